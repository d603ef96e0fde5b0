"""`python -m kinpaint.demo` as a process: real models, the address, what it leaves."""

import contextlib
import io
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
import requests
from PIL import Image

import kinpaint
from kinpaint.editor import models, server
from pipelines.base.errors import UserError
from tests.editor.serving import Visitor, png, smooth, until


@contextlib.contextmanager
def demo(folder, *flags):
    """(process, URL) of the page, its temporary files in `folder`."""
    command = [sys.executable, "-m", "kinpaint.demo", "--port=0", *flags]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        said = process.stdout.readline()
        url = re.match(r"(http://\S+) - Ctrl-C ends it", said)
        assert url, said
        yield process, url[1]
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_real_models_fill_as_in_python_and_sigterm_takes_everything_away(
    exported, pluralistic, tmp_path
):
    before, hole = smooth(90, 120), np.zeros((90, 120), bool)
    hole[30:50, 40:90] = True
    with demo(tmp_path, f"--model={exported}", f"--model=many={pluralistic}") as (page, url):
        visitor = Visitor(url)
        photo = visitor.open(png(before))
        (step,) = visitor.fill(photo, hole)
        filled = visitor.file(photo, step["id"]).content
        steps = visitor.fill(photo, hole, model="many", samples=2)
        drawn = [visitor.file(photo, step["id"]).content for step in steps]
        answer = requests.post(
            f"{url}api/fill",
            files={"image": ("a.png", png(before)), "mask": png(hole)},
            data={"model": "many"},
            timeout=60,
        )
        told = requests.get(f"{url}api/models", timeout=30).json()["models"]
        (folder,) = tmp_path.glob("kinpaint-page-*")
        assert folder.stat().st_mode & 0o077 == 0  # for this person only
        page.send_signal(signal.SIGTERM)
        page.wait(60)
        assert not folder.exists()
    one, many = kinpaint.load(exported), kinpaint.load(pluralistic)
    pixels = [
        np.asarray(Image.open(io.BytesIO(body))) for body in (filled, *drawn, answer.content)
    ]
    wanted = [
        one.complete(before, hole),
        *many.complete(before, hole, samples=2),
        many.complete(before, hole),
    ]
    for got, want in zip(pixels, wanted, strict=True):
        np.testing.assert_array_equal(got[~hole], before[~hole])
        assert np.abs(got.astype(int) - want).max() <= 1
    assert [(m["name"], m["state"], m["draws"]) for m in told] == [
        (pathlib.Path(exported).name, "ready", False),
        ("many", "ready", True),
    ]


@pytest.mark.slow
def test_the_page_is_there_before_its_model_and_a_killed_one_leaves_no_child(tmp_path):
    with demo(tmp_path) as (page, url):
        health = requests.get(f"{url}healthz", timeout=30).json()
        assert health["model"]["state"] == "loading"
        children = pathlib.Path(f"/proc/{page.pid}/task/{page.pid}/children")
        if not children.exists():
            pytest.skip("/proc does not list children here")
        pids = until(lambda: children.read_text().split())
        page.kill()
        page.wait()
        alive = lambda pid: "kinpaint" in _command(pid) or "spawn" in _command(pid)  # noqa: E731
        until(lambda: not any(map(alive, pids)))
    with server.private_folder():  # another server's start
        pass


def _command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_port_in_use_is_one_line_at_once():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "kinpaint.demo", f"--port={port}"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1 and not done.stdout
    assert re.fullmatch(rf"error: .*127\.0\.0\.1:{port}: .*--port.*\n", done.stderr)


def test_the_server_and_its_page_load_no_tensorflow():
    program = "import kinpaint.demo, kinpaint.editor.server, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "starlette" in loaded and "uvicorn" in loaded
    assert not {"tensorflow", "keras", "skimage", "scipy"} & set(loaded)


@pytest.mark.parametrize("port", [-1, 70000])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(UserError, match="no port"):
        server.listen("127.0.0.1", port)


def test_what_is_no_host_is_refused():
    with pytest.raises(UserError, match="cannot listen on no.such.host.invalid:0"):
        server.listen("no.such.host.invalid", 0)


def test_addresses():
    assert server.address("127.0.0.1", 7860, "") == "http://127.0.0.1:7860/"
    assert server.address("::1", 1, "") == "http://[::1]:1/"
    assert server.address("0.0.0.0", 1, "x").endswith(":1/?token=x")


@pytest.mark.parametrize(
    "host, token, wanted",
    [("0.0.0.0", "", ".{12,}"), ("0.0.0.0", "mine", "mine"), ("127.0.0.1", "", "")],
)
def test_beyond_this_machine_there_is_always_a_token(host, token, wanted):
    from tests.editor.serving import serving, stubs

    with serving(stubs("quick"), host=host, token=token) as url:
        query = url.partition("?token=")[2]
        assert re.fullmatch(wanted, query)
        port = re.search(r":(\d+)/", url)[1]
        local = requests.get(f"http://127.0.0.1:{port}/api/models", timeout=30)
        assert local.status_code == (401 if query else 200)


def test_folders_of_ended_servers_go_and_of_living_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [
        f"kinpaint-page-{ended.pid}-abc",
        f"kinpaint-page-{os.getppid()}-abc",
        "kinpaint-page-x",
    ]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "original").write_bytes(b"a photo")
    with server.private_folder() as folder:
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {*names[1:], pathlib.Path(folder).name}
    assert not pathlib.Path(folder).exists()


# ---- which models


def test_models_are_named_and_the_box_comes_first(exported, tmp_path, monkeypatch):
    url = "grpc://localhost:8500/first"
    run = tmp_path / "runs" / "a=b"
    (run / "checkpoints").mkdir(parents=True)
    found = models.offered([str(exported.parent), f"mine={exported}", url, str(run)])
    assert [(m.name, m.kind) for m in found.values()] == [
        ("tiny", "saved"), ("mine", "saved"), ("first", "server"), ("a=b", "run"),
    ]  # fmt: skip
    assert found["tiny"].card["model"] == "cnn"
    saved = tmp_path / "saved_models"
    saved.mkdir()
    (saved / "aaa").symlink_to(exported.parent)
    (saved / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    names = list(models.offered([]))
    assert (
        names[0].startswith("kinpaint-") and names[-1] == "aaa"
    )  # an export is not the default


@pytest.mark.parametrize(
    "sources, words",
    [
        (["runs/first", "saved_models/first"], "does not exist"),
        (["http://a/first", "grpc://b/first"], "NAME="),
        (["."], "holds neither"),
    ],
)
def test_what_is_no_model_is_said_before_anything_starts(sources, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        models.offered(sources)


def test_a_server_of_models_stands_behind_the_page(exported, tmp_path):
    from kinpaint.serving.stub_server import StubServer
    from tests.editor.serving import serving

    before, hole = smooth(60, 80), np.zeros((60, 80), bool)
    hole[20:40, 20:50] = True
    with contextlib.closing(StubServer(exported.parent)) as remote:
        offered = models.offered([f"near={remote.rest_url}", f"grpc={remote.grpc_url}"])
        with serving(offered, loader="kinpaint:load") as url:
            visitor = Visitor(url)
            photo = visitor.open(png(before))
            for name in offered:
                (step,) = visitor.fill(photo, hole, model=name)
                body = visitor.file(photo, step["id"]).content
                after = np.asarray(Image.open(io.BytesIO(body)))
                np.testing.assert_array_equal(after[~hole], before[~hole])
                assert (after[hole] != before[hole]).any()
