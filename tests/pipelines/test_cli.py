"""Flags from dataclasses, their record, and errors in one line."""

import dataclasses
import subprocess
import sys
import textwrap

import pytest
from absl import flags

from pipelines import cli
from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Options:
    """One field of every kind."""

    count: int = cli.option(3, "a number")
    rate: float = cli.option(0.5, "a share")
    fast: bool = cli.option(False, "a switch")
    kind: str = cli.option("a", "a choice", choices=("a", "b"))
    model: tuple = cli.option((), "repeatable", multiple=True)


@pytest.fixture
def parsed(monkeypatch):
    """A private flag registry; returns a function that parses arguments."""
    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    for name in ("boolean", "integer", "float", "string"):
        define = getattr(flags, f"DEFINE_{name}")
        kind = {"boolean": bool, "integer": int, "float": float, "string": str}[name]
        wrapped = lambda *a, _d=define, **k: _d(*a, flag_values=values, **k)  # noqa: E731
        monkeypatch.setitem(cli._DEFINERS, kind, wrapped)
    for name in ("DEFINE_enum", "DEFINE_multi_string"):
        define = getattr(flags, name)
        wrapped = lambda *a, _d=define, **k: _d(*a, flag_values=values, **k)  # noqa: E731
        monkeypatch.setattr(flags, name, wrapped)
    cli.define(Options)

    def parse(*arguments):
        values(["program", *arguments])
        return cli.read(Options)

    return parse


def test_every_kind_of_field_is_a_flag(parsed):
    options = parsed("--count=7", "--fast", "--kind=b", "--model=x", "--model=y")
    assert options == Options(7, 0.5, True, "b", ("x", "y"))
    assert cli.given("count") and not cli.given("rate")


def test_lines_are_a_flagfile_that_reads_back(parsed):
    original = Options(9, 0.25, True, "b", ("p q", "r"))
    assert parsed(*cli.lines(original)) == original
    assert "--nofast" in cli.lines(Options())


def test_recorded_flags_are_adopted_unless_given(parsed):
    parsed("--rate=0.5")
    cli.adopt(cli.lines(Options(9, 0.5, True)), "flags.txt", changeable=())
    assert cli.read(Options) == Options(9, 0.5, True)


def test_changed_flags_are_refused_by_name_unless_changeable(parsed):
    parsed("--count=8", "--kind=b", "--nofast")
    with pytest.raises(UserError, match="--count is 8, was 9.*--kind is 'b', was 'a'"):
        cli.adopt(cli.lines(Options(9, fast=False)), "flags.txt", changeable=())
    cli.adopt(cli.lines(Options(9)), "flags.txt", changeable={"count", "kind"})
    assert cli.read(Options).count == 8


def test_a_repeatable_flag_is_adopted_whole(parsed):
    parsed()
    cli.adopt(cli.lines(Options(model=("ab", "cd"))), "flags.txt", changeable=())
    assert cli.read(Options).model == ("ab", "cd")


def test_a_damaged_record_is_named(parsed):
    parsed()
    with pytest.raises(UserError, match="flags.txt is damaged: --count"):
        cli.adopt(["--count=many"], "flags.txt", changeable=())


def _run(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_user_error_ends_in_one_line_and_an_exit_code():
    code = """
    from pipelines import cli
    def main(argv):
        raise cli.UserError("no such thing: try another")
    cli.run(main)
    """
    done = _run(code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no such thing: try another\n"


def test_what_the_file_system_refuses_ends_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    code = f"""
    import pathlib
    from pipelines import cli
    cli.run(lambda argv: pathlib.Path({str(tmp_path)!r}, "file", "folder").mkdir())
    """
    done = _run(code)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {tmp_path}/file/folder: Not a directory\n"


def test_helpshort_shows_a_binary_its_own_flags_and_example():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.sample", "--helpshort"],
        capture_output=True,
        text=True,
    )
    assert "python -m pipelines.sample --out_dir" in done.stdout
    assert "--crops" in done.stdout and len(done.stdout.splitlines()) <= 40


def test_a_word_that_is_no_flag_is_refused_by_those_that_take_none():
    command = [sys.executable, "-m", "pipelines.explore", "--out_dir=x", "photos"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.splitlines()[-1].startswith("error: 'photos' is no flag")
