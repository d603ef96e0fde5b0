"""Files that a kill cannot spoil, and locks that a killed holder does not leave behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from pipelines.base import files
from pipelines.base.errors import UserError

HOLD = (
    "import sys, time; from pipelines.base import files\n"
    "with files.Lock(*sys.argv[1:]): print('held', flush=True); time.sleep(60)"
)


def holder(folder, *before, what="training"):
    command = [*before, sys.executable, "-c", HOLD, str(folder), what]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    return child


def test_scratch_names_differ_within_one_process_and_fit_any_file_system(tmp_path):
    names = {files.scratch(tmp_path / ("ü" * 127)) for _ in range(1000)}
    assert len(names) == 1000
    assert max(len(os.fsencode(name.name)) for name in names) <= 255


def test_the_old_file_stays_where_writing_fails(tmp_path):
    path = tmp_path / "scores.json"
    files.write(path, "old")
    with pytest.raises(RuntimeError), files.replacing(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["scores.json"]


def test_a_directory_is_replaced_whole(tmp_path):
    for content in ("a", "b"):
        with files.replacing(tmp_path / "run") as unfinished:
            unfinished.mkdir()
            (unfinished / content).write_text(content)
    assert os.listdir(tmp_path / "run") == ["b"] and os.listdir(tmp_path) == ["run"]


def test_only_old_scratch_is_swept(tmp_path):
    fresh, old = files.scratch(tmp_path / "x"), files.scratch(tmp_path / "x")
    fresh.mkdir()
    old.mkdir()
    (old / "part").touch()
    for path in (old / "part", old):
        os.utime(path, (0, 0))
    files.sweep(tmp_path)
    assert fresh.exists() and not old.exists()


@pytest.mark.parametrize("torn", [b'{"n": 1', b"", b"x" * 200_000])
def test_a_torn_line_is_passed_over_and_cut_off(tmp_path, torn):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"n": 0}\n' + torn)
    assert files.rows(path) == [{"n": 0}]
    files.append(path, {"n": 1}, {"n": "ü"})
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [0, 1, "ü"]


def test_a_second_process_is_told_who_holds_a_directory_and_since_when(tmp_path):
    child = holder(tmp_path)
    with pytest.raises(UserError, match=rf"training by process {child.pid} on .* since 20"):
        with files.Lock(tmp_path, "training"):
            pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    with files.Lock(tmp_path, "training"):
        pass
    assert not list(tmp_path.iterdir())


def test_of_many_that_ask_at_once_one_has_it(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(50):
            try:
                with files.Lock(tmp_path, "evaluation"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except UserError:
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_where_the_file_system_has_no_locks_a_silent_holder_is_replaced(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(files.errno.ENOLCK, "no locks")

    monkeypatch.setattr(files.fcntl, "flock", none)
    monkeypatch.setattr(files.time, "sleep", lambda s: None)
    said = []
    with files.Lock(tmp_path, "training") as first:
        with pytest.raises(UserError, match="training by process"):
            with files.Lock(tmp_path, "training"):
                pass
        os.utime(first._path, (0, 0))
        with files.Lock(tmp_path, "training", log=said.append):
            pass
    assert len(said) == 1 and "taking its place" in said[0]


CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def test_two_containers_with_one_pid_do_not_share_a_lock(tmp_path):
    """Both holders are process 1 of a pid namespace of their own, on one storage."""
    try:
        subprocess.run([*CONTAINER, "true"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("may not make a pid namespace")
    first = holder(tmp_path, *CONTAINER)
    command = [*CONTAINER, sys.executable, "-c", HOLD, str(tmp_path), "training"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "training by process 1 on " in second.stderr and "held" not in second.stdout
    first.kill()  # and with it what it had started
    first.wait()
    deadline = time.monotonic() + 10
    while True:
        try:
            with files.Lock(tmp_path, "training"):
                break
        except UserError:  # the kernel is still taking the namespace down
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
