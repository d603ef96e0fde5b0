"""Runs recorded by earlier versions, which said critic, open and go on."""

import numpy as np
import pytest

from kinpaint.options import ModelOptions, OptimizerOptions
from kinpaint.training import checkpoints, restoring
from kinpaint.training.run import Run
from pipelines import cli
from tests.training import tiny

OLD = ["--model=cnn(width=4)", "--critic=sn_patch(width=4)", "--critic_learning_rate=0.004"]
NEW = [
    "--model=cnn(width=4)",
    "--discriminator=sn_patch(width=4)",
    "--discriminator_learning_rate=0.004",
]


def test_old_flags_are_read_under_their_new_names_and_that_is_said():
    said = []
    groups = (ModelOptions, OptimizerOptions)
    assert cli.current(OLD, "flags.txt", *groups, log=said.append) == NEW
    assert len(said) == 1 and "--critic is --discriminator now" in said[0]
    assert cli.current(NEW, "flags.txt", *groups, log=said.append) == NEW and len(said) == 1


def test_the_flags_of_an_old_run_have_the_new_names(tmp_path):
    (tmp_path / "flags.txt").write_text("\n".join(OLD))
    said = []
    flags = restoring.flags_of(tmp_path, said.append)
    assert flags["discriminator"] == "sn_patch(width=4)" and "critic" not in flags
    assert len(said) == 1 and str(tmp_path) in said[0]


def test_an_old_checkpoint_is_read_into_the_groups_of_today(tmp_path):
    run = Run(tmp_path / "new", tiny.inpainter())
    state = run.state()
    former = {name.replace("discriminator", "critic"): part for name, part in state.items()}
    assert set(former) > {"critic", "critic_optimizer"}
    path = checkpoints.write(tmp_path / "old", 1, former, {})
    wanted = {g: {n: v.numpy() for n, v in part.items()} for g, part in state.items()}
    for part in state.values():
        for variable in part.values():
            variable.assign(np.zeros(variable.shape, variable.dtype))
    restoring.restore(path, state)
    for group, part in state.items():
        for name, variable in part.items():
            np.testing.assert_array_equal(
                variable.numpy(), wanted[group][name], f"{group}/{name}"
            )


@pytest.mark.parametrize("flag", ["--critic=patch", "--critic_learning_rate=1e-4"])
def test_an_old_flag_on_the_command_line_is_told_its_new_name(flag, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["train", flag])
    with pytest.raises(SystemExit):
        cli._parse(["train", flag], (ModelOptions, OptimizerOptions))
    name = flag.partition("=")[0]
    assert f"{name} is {name.replace('critic', 'discriminator')} now" in capsys.readouterr().err
