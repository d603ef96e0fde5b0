"""The averaged generator is what is meant wherever a run keeps one."""

import numpy as np
import pytest

import kinpaint
from kinpaint import models
from kinpaint.evaluation import contestants
from kinpaint.serving import exporting
from kinpaint.training import checkpoints, restoring
from pipelines.base.errors import UserError


@pytest.fixture
def run(tmp_path):
    """A run whose trained weights are 1 and whose averaged ones are 2."""
    state = {}
    for group, value in (("network", 1.0), ("ema", 2.0)):
        copy = models.build("cnn", width=4, depth=1)
        for weight in copy.weights:
            weight.assign(np.full(weight.shape, value))
        state[group] = checkpoints.named(copy)
    checkpoints.write(tmp_path / "run", 3, state)
    (tmp_path / "run" / "flags.txt").write_text(
        "--model=cnn(width=4, depth=1)\n--image_size=32\n--ema=0.9\n"
    )
    return tmp_path / "run"


def value_of(network):
    (value,) = {float(x) for w in network.get_weights() for x in np.unique(w)}
    return value


def without_average(run):
    (run / "flags.txt").write_text("--model=cnn(width=4, depth=1)\n--ema=0.0\n")


@pytest.mark.parametrize(("asked", "value"), [("", 2.0), ("ema", 2.0), ("raw", 1.0)])
def test_loading_exporting_and_scoring_mean_the_same_weights(run, monkeypatch, asked, value):
    assert value_of(kinpaint.load(run, weights=asked).network) == value
    exported = {}
    monkeypatch.setattr(
        exporting,
        "export_network",
        lambda network, base, card, kinds: exported.update(value=value_of(network), card=card),
    )
    exporting.export_run(run, "one", weights=asked)
    assert exported["value"] == value
    assert exported["card"]["weights"] == {1.0: "raw", 2.0: "ema"}[value]
    spec = f"{run}:{asked}" if asked else str(run)
    (one,) = contestants.gather((spec,), "none")
    assert value_of(one.network()) == value
    assert one.name == (f"run_{asked}" if asked else "run")


def test_a_run_without_an_average_gives_what_it_trained(run):
    without_average(run)
    assert value_of(kinpaint.load(run).network) == 1.0
    assert restoring.restore_generator(run)[1]["weights"] == "raw"
    with pytest.raises(UserError, match="keeps no averaged generator"):
        kinpaint.load(run, weights="ema")
    with pytest.raises(UserError, match="weights must be raw or ema, not 'mean'"):
        kinpaint.load(run, weights="mean")
