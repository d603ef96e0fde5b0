"""Checkpoints: whole or absent; the newest good one wins; names decide what fits where."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from kinpaint.training import checkpoints, restoring
from pipelines.base.errors import UserError


def _state(value):
    return {
        "network": {"a/kernel": tf.Variable([[value, 2.0]]), "b/bias": tf.Variable([value])},
        "optimizer": {"000_iteration": tf.Variable(7, dtype=tf.int64)},
    }


def test_a_round_trip_by_group_and_name(tmp_path):
    path = checkpoints.write(tmp_path, 12, _state(3.0), {"drawn": 5})
    other = _state(0.0)
    restoring.restore(path, {"network": other["network"]})
    np.testing.assert_array_equal(other["network"]["a/kernel"], [[3.0, 2.0]])
    assert path.name == "step-00000012" and checkpoints.step_of(path) == 12
    assert checkpoints.note(path) == {"step": 12, "drawn": 5}
    assert os.listdir(tmp_path / "checkpoints") == ["step-00000012"]


def test_rotation_keeps_the_newest_and_the_pinned(tmp_path):
    for step in range(1, 7):
        checkpoints.write(tmp_path, step, _state(float(step)), keep=2, pinned=(2,))
    steps = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert steps == ["step-00000002", "step-00000005", "step-00000006"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "missing"])
def test_a_damaged_newest_falls_back_with_a_message(tmp_path, damage):
    good = checkpoints.write(tmp_path, 1, _state(1.0))
    bad = checkpoints.write(tmp_path, 2, _state(2.0))
    data = bad / "state.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    if damage == "truncated":
        data.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[3] ^= 0xFF
        data.write_bytes(content)
    else:
        data.unlink()
    said = []
    assert checkpoints.newest(tmp_path, said.append) == good
    assert len(said) == 1 and "step-00000002 is damaged" in said[0]


def test_what_the_disk_spoiled_is_never_called_whole(tmp_path, monkeypatch):
    good = checkpoints.write(tmp_path, 1, _state(1.0))
    written = tf.train.Checkpoint.write

    def spoiled(checkpoint, prefix):
        written(checkpoint, prefix)
        data = pathlib.Path(f"{prefix}.data-00000-of-00001")
        content = bytearray(data.read_bytes())
        content[3] ^= 0xFF
        data.write_bytes(content)

    monkeypatch.setattr(tf.train.Checkpoint, "write", spoiled)
    with pytest.raises(UserError, match=f"the last good checkpoint is {good}"):
        checkpoints.write(tmp_path, 2, _state(2.0))
    assert os.listdir(tmp_path / "checkpoints") == [good.name]


def test_a_checkpoint_that_does_not_fit_is_refused_whole(tmp_path):
    path = checkpoints.write(tmp_path, 1, _state(1.0))
    wrong = {
        "network": {
            "a/kernel": tf.Variable([[0.0, 0.0, 0.0]]),
            "b/bias": tf.Variable([0.0]),
            "c/bias": tf.Variable([0.0]),
        }
    }
    with pytest.raises(UserError, match="c/bias is missing") as caught:
        restoring.restore(path, wrong)
    assert "a/kernel is [1, 2], wanted [1, 3]" in str(caught.value)
    np.testing.assert_array_equal(wrong["network"]["b/bias"], [0.0])


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    """On a small tmpfs of its own; needs the right to mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(mount)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("may not mount a tmpfs")
    try:
        small = {"network": {"w": tf.Variable(tf.ones([50_000]))}}
        good = checkpoints.write(mount, 1, small)
        with pytest.raises(UserError, match="the disk is full; the last good checkpoint is"):
            checkpoints.write(mount, 2, small)
        assert checkpoints.newest(mount) == good
        assert [p.name for p in (mount / "checkpoints").iterdir()] == ["step-00000001"]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_an_unfinished_checkpoint_is_swept_away(tmp_path):
    left = pathlib.Path(tmp_path) / "checkpoints" / ".writing-00000003-999"
    left.mkdir(parents=True)
    (left / "state.index").write_bytes(b"half")
    checkpoints.write(tmp_path, 4, _state(4.0))
    assert not left.exists()


def test_what_another_worker_is_writing_is_left_alone(tmp_path):
    theirs = pathlib.Path(tmp_path) / "checkpoints" / ".writing-00000004-999"
    theirs.mkdir(parents=True)
    checkpoints.write(tmp_path, 4, _state(4.0))
    assert theirs.exists()
    checkpoints.write(tmp_path, 5, _state(5.0))
    assert not theirs.exists()
