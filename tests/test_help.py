"""One voice: what every binary answers to `--helpshort`, whichever binaries there are."""

import dataclasses
import inspect
import shlex
import sys

import pytest

from pipelines import cli
from tests import binaries

COLUMNS = 100
MAIN = 30  # lines of the function that wires


@pytest.fixture(params=binaries.names())
def binary(request, monkeypatch):
    """Name, docstring and option classes of one binary."""
    options = binaries.options_of(request.param, monkeypatch)
    return request.param, binaries.imported(request.param).__doc__, options


def test_all_binaries_are_found():
    assert {"kinpaint.train", "kinpaint.serving.client", "pipelines.scrape"} <= set(
        binaries.names()
    )


def test_helpshort_fits_a_screen_with_an_example_and_every_flag(binary):
    name, about, options = binary
    text = cli.help_text(about, options, cli.SCREEN)
    lines = text.splitlines()
    assert len(lines) <= cli.SCREEN, f"{len(lines)} lines"
    assert max(map(len, lines)) <= COLUMNS, max(lines, key=len)
    assert f"    python -m {name} " in text
    for field in (field for group in options for field in dataclasses.fields(group)):
        assert f"--{field.name}=" in text or f"--[no]{field.name}" in text


def test_help_describes_every_flag(binary):
    _, about, options = binary
    text = " ".join(cli.help_text(about, options).split())
    for field in (field for group in options for field in dataclasses.fields(group)):
        assert field.metadata["help"] in text, field.name


def test_what_describes_a_flag_is_a_phrase_not_a_sentence(binary):
    for field in (field for group in binary[2] for field in dataclasses.fields(group)):
        text = field.metadata["help"]
        assert text and not text.endswith(".") and len(text) <= 120, field.name
        first = text.split()[0].strip(",:")
        assert first.isupper() or first[0] == first[0].lower() or first == "Adam's", text


def test_examples_give_flags_that_exist(binary):
    name, about, options = binary
    defined = {field.name for group in options for field in dataclasses.fields(group)}
    text = about.replace("\\\n", " ")
    examples = [line for line in text.splitlines() if line.startswith(f"    python -m {name} ")]
    assert examples
    for word in (word for line in examples for word in shlex.split(line)):
        if word.startswith("--"):
            given = word[2:].partition("=")[0]
            assert given in defined | {"flagfile"}, word


def test_main_only_wires(binary):
    lines, _ = inspect.getsourcelines(binaries.imported(binary[0]).main)
    assert len(lines) <= MAIN


def test_helpshort_is_what_the_command_prints(monkeypatch, capsys):
    options = binaries.options_of("kinpaint.train", monkeypatch)
    monkeypatch.setattr(sys, "argv", ["train", "--helpshort"])
    monkeypatch.setattr(sys.modules["__main__"], "__doc__", "What it is.")
    cli.run(None, *options)
    short = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    cli.run(None, *options)
    assert len(short.splitlines()) <= cli.SCREEN < len(capsys.readouterr().out.splitlines())
