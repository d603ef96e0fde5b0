"""Finds the binaries, and runs them as `python -m` would, without their start-up."""

import contextlib
import importlib
import io
import multiprocessing
import os
import pathlib
import runpy
import sys

from pipelines import cli

ROOT = pathlib.Path(__file__).parents[1]


def names():
    """Modules that `python -m` runs, sorted: those that call `cli.run`."""
    found = []
    for package in ("kinpaint", "pipelines"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "\n    cli.run(main" in path.read_text():
                found.append(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return found


def options_of(name, monkeypatch):
    """The option classes that a binary hands to `cli.run`."""
    taken = []
    with monkeypatch.context() as patch:
        patch.setattr(cli, "run", lambda main, *classes, **_: taken.extend(classes))
        patch.delitem(sys.modules, name, raising=False)
        runpy.run_module(name, run_name="__main__")
    return taken


class Runner:
    """Runs `python -m MODULE` in forks of one process that has imported TensorFlow.

    Importing takes no thread and touches no device, so a fork starts as clean as a new
    process does, four seconds earlier.
    """

    def __init__(self):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tensorflow", "keras", "PIL.Image"])

    def __call__(self, arguments, folder, environment=()):
        """(exit code, what was printed) of a list `[module, flag, ...]`, run in a folder."""
        log = pathlib.Path(folder) / ".printed"
        inside = (list(arguments), str(folder), str(log), dict(environment))
        process = self._context.Process(target=_run, args=inside)
        process.start()
        process.join(300)
        if process.is_alive():
            process.kill()
            raise TimeoutError(" ".join(arguments))
        return process.exitcode, log.read_text()


def _run(arguments, folder, log, environment):
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, str(ROOT))
    with open(log, "w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def imported(name):
    """A binary's module, imported quietly."""
    with contextlib.redirect_stdout(io.StringIO()):
        return importlib.import_module(name)
