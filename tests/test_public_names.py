"""The names that others' code uses, as documented; and one command for all binaries."""

import ast
import subprocess
import sys

import pytest

import kinpaint
from kinpaint import __main__ as command
from tests.binaries import ROOT


@pytest.mark.parametrize("package", ["layers", "metrics"])
def test_public_names_are_listed_and_load(package):
    room = getattr(kinpaint, package)
    assert {*room.__all__} <= {*dir(room)}
    assert all(callable(getattr(room, name)) for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_the_kind'"):
        room.nothing_of_the_kind  # noqa: B018


def test_metrics_are_named_without_loading_tensorflow():
    script = (
        "import kinpaint.metrics as m, sys; assert 'ms_ssim' in dir(m); print([*sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "tensorflow" not in ast.literal_eval(ran.stdout)


def test_every_binary_is_a_command():
    """What ends in `cli.run(main` is found, and runs as `python -m` runs it."""
    sources = [*(ROOT / "kinpaint").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]
    binaries = {p for p in sources if "\n    cli.run(main" in p.read_text()}
    assert {path for _, path in command.commands().values()} == binaries


def run(*words):
    line = [sys.executable, "-m", "kinpaint", *words]
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT)


def test_a_command_says_what_python_m_says():
    alone = subprocess.run(
        [sys.executable, "-m", "kinpaint.train", "--helpshort"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert run("train", "--helpshort").stdout == alone.stdout != ""


def test_the_list_and_the_version_and_a_wrong_word():
    assert "  train " in run().stdout and "Trains" in run().stdout
    assert run("--version").stdout == f"kinpaint {kinpaint.__version__}\n"
    wrong = run("trian")
    assert wrong.returncode == 1 and "no command 'trian'" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_the_exit_code_passes_through():
    assert run("eval", "--limit=many").returncode == 1


@pytest.mark.parametrize(
    ("word", "package", "extra"),
    [
        ("scrape", "msgspec", "data"),
        ("sample", "skimage", "report"),
        ("demo", "uvicorn", "demo"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(word, package, extra):
    """Stands in for an environment without it: importing the package says it is not there."""
    script = (
        "import sys, runpy\n"
        f"sys.modules[{package!r}] = None\n"
        f"sys.argv = ['kinpaint', {word!r}, '--port=0']\n"
        "runpy.run_module('kinpaint', run_name='__main__', alter_sys=True)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stderr == f'error: this needs {package}: pip install "kinpaint[{extra}]"\n'
