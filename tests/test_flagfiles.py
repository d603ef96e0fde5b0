"""Every shipped flagfile holds flags that exist, and names parts that can be built."""

import dataclasses
import pathlib

import pytest

from kinpaint import critics, losses, models, train
from kinpaint.losses.adversarial import ADVERSARIAL
from kinpaint.training import session
from pipelines import masks, terms

FILES = sorted(pathlib.Path(train.__file__).parent.glob("flagfiles/*.flags"))
FIELDS = {
    field.name: field for options in train.OPTIONS for field in dataclasses.fields(options)
}


def flags_in(path):
    """{name: text}, as absl reads a flagfile: comments dropped, one flag a line."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.removeprefix("--").partition("=") for line in lines if line.startswith("--"))
    return {name: text for name, _, text in pairs}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_flagfile_names_what_exists(path):
    flags = flags_in(path)
    assert set(flags) <= set(FIELDS), set(flags) - set(FIELDS)
    for name, text in flags.items():
        if FIELDS[name].type in (int, float):
            FIELDS[name].type(text)
        elif choices := FIELDS[name].metadata["choices"]:
            assert text in choices
    network = session.named(models.build, flags["model"], "--model", None)
    assert network.count_params() > 0
    if flags.get("critic", "none") != "none":
        assert session.named(critics.build, flags["critic"], "--critic", None).built
        assert flags.get("adversarial", "hinge") in ADVERSARIAL
    assert {term.name for term in terms.parse(flags["losses"])} <= set(losses.TERMS)
    masks.parse(flags["masks"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_flagfile_states_purpose_cost_score_and_command(path):
    about = " ".join(line for line in path.read_text().splitlines() if line.startswith("#"))
    assert all(word in about for word in ("Purpose", "Cost", "score", "Command"))
