"""Every shipped flagfile holds flags that exist, and names parts that can be built."""

import dataclasses
import pathlib
import shlex

import pytest

from kinpaint import discriminators, losses, models, train
from kinpaint.ablation import variants
from kinpaint.ablation.options import AblateOptions
from kinpaint.losses.adversarial import ADVERSARIAL
from kinpaint.training import building
from pipelines import masks, terms

FILES = sorted(pathlib.Path(train.__file__).parent.glob("flagfiles/*.flags"))
STUDIES = sorted(pathlib.Path(train.__file__).parent.glob("studies/*.flags"))
FIELDS = {
    field.name: field for options in train.OPTIONS for field in dataclasses.fields(options)
}


def flags_in(path):
    """{name: text}, as absl reads a flagfile: comments dropped, one flag a line."""
    return named(line.strip() for line in path.read_text().splitlines())


def named(flags):
    """{name: text}; the last of a name counts, `--no` and bare flags are left as they are."""
    pairs = (flag.removeprefix("--").partition("=") for flag in flags if flag.startswith("--"))
    return {name: text for name, _, text in pairs}


def check(flags):
    """{name: text} of one run's flags: each exists and what it names can be built."""
    assert set(flags) <= set(FIELDS), set(flags) - set(FIELDS)
    for name, text in flags.items():
        if FIELDS[name].type in (int, float):
            FIELDS[name].type(text)
        elif choices := FIELDS[name].metadata["choices"]:
            assert text in choices
    network = building.named(models.build, flags["model"], "--model", None)
    assert network.count_params() > 0
    if flags.get("discriminator", "none") != "none":
        assert building.named(
            discriminators.build, flags["discriminator"], "--discriminator", None
        ).built
        assert flags.get("adversarial", "hinge") in ADVERSARIAL
    assert {term.name for term in terms.parse(flags["losses"])} <= set(losses.TERMS)
    if "masks" in flags:
        masks.parse(flags["masks"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_flagfile_names_what_exists(path):
    check(flags_in(path))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_studys_variants_name_what_exists(path):
    lines = [line for line in path.read_text().splitlines() if line.startswith("--")]
    names = [line[2:].partition("=")[0] for line in lines]
    values = {name: [] for name in names}
    for name, line in zip(names, lines, strict=True):
        values[name].append(line.partition("=")[2])
    options = AblateOptions(
        **{name: tuple(v) if name == "variant" else v[-1] for name, v in values.items()}
    )
    for variant in variants.parse(options):
        check(named([*shlex.split(options.base), *variant.flags]))


@pytest.mark.parametrize("path", [*FILES, *STUDIES], ids=lambda path: path.stem)
def test_a_flagfile_states_purpose_cost_score_and_command(path):
    about = " ".join(line for line in path.read_text().splitlines() if line.startswith("#"))
    assert all(word in about for word in ("Purpose", "Cost", "score", "Command"))
