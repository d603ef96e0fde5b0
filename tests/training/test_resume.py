"""Runs of the real binary: resumed, killed, stopped, refused."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from kinpaint.training import checkpoints

FLAGS = (
    "--model=cnn(width=4, depth=2)",
    "--discriminator=sn_patch(width=4)",
    "--losses=l1_hole",
    "--image_size=32",
    "--masks=strokes",
    "--batch_size=2",
    "--checkpoint_every=4",
    "--validate_every=5",
    "--validation_pictures=4",
    "--pictures_every=0",
    "--log_every=2",
    "--ema=0.9",
    "--schedule=cosine",
    "--decay_steps=20",
    "--seed=3",
)


def start(data_dir, run_dir, *flags, base=FLAGS, **settings):
    command = [sys.executable, "-m", "kinpaint.train", f"--data_dir={data_dir}"]
    command += [f"--run_dir={run_dir}", *base, *flags]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
    )


def finish(process, code=0):
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, out[-2000:] + err[-4000:]
    return out, err


def tensors(run_dir):
    """{name: array} of a run's newest checkpoint."""
    path = checkpoints.newest(run_dir)
    reader = tf.train.load_checkpoint(str(path / "state"))
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if "CHECKPOINTABLE" not in name}


def assert_same_state(one, other):
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.fixture(scope="module")
def uninterrupted(sample_dir, tmp_path_factory):
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    out, _ = finish(start(sample_dir, run, "--steps=16"))
    assert "finished at step 16" in out
    return run


def test_a_run_writes_what_the_contract_names(uninterrupted):
    assert {p.name for p in uninterrupted.iterdir()} == {
        "flags.txt",
        "checkpoints",
        "logs",
        "history.jsonl",
    }
    rows = [json.loads(line) for line in (uninterrupted / "history.jsonl").open()]
    assert [row["step"] for row in rows if "loss" in row] == list(range(2, 17, 2))
    assert [row["step"] for row in rows if "val_psnr_hole" in row] == [5, 10, 15, 16]
    assert "--masks=strokes" in (uninterrupted / "flags.txt").read_text().splitlines()


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bits(
    sample_dir, tmp_path, uninterrupted
):
    """SIGKILL after a random number of checkpoints, twice; then to the end."""
    run, chance = tmp_path / "run", random.Random(5)
    for wanted in (1, 2):
        process = start(sample_dir, run, "--steps=16")
        while process.poll() is None:
            if len(list((run / "checkpoints").glob("step-*"))) >= wanted:
                time.sleep(chance.uniform(0, 0.4))
                process.kill()
                break
            time.sleep(0.02)
        process.communicate()
    out, _ = finish(start(sample_dir, run, "--steps=16"))
    assert "resuming at step" in out
    assert_same_state(run, uninterrupted)
    rows = [json.loads(line) for line in (run / "history.jsonl").open()]
    trained = [row["step"] for row in rows if "loss" in row]
    assert trained == sorted(set(trained)) and trained[-1] == 16


@pytest.mark.slow
def test_sigterm_saves_and_exits_cleanly_and_a_bare_call_resumes(
    sample_dir, tmp_path, uninterrupted
):
    run = tmp_path / "run"
    process = start(sample_dir, run, "--steps=16")
    while not list((run / "checkpoints").glob("step-*")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = finish(process)
    assert "SIGTERM" in out or "finished" in out
    same_dir = os.path.relpath(sample_dir)  # every other flag comes from the run
    finish(start(same_dir, run, base=()))
    assert_same_state(run, uninterrupted)


@pytest.mark.slow
def test_a_changed_flag_is_refused_by_name_and_nothing_is_touched(sample_dir, uninterrupted):
    before = {p: p.stat().st_mtime_ns for p in pathlib.Path(uninterrupted).rglob("*")}
    _, err = finish(start(sample_dir, uninterrupted, "--masks=center", "--seed=4"), code=1)
    last = err.strip().splitlines()[-1]
    assert last.startswith("error: ") and "--masks is 'center', was 'strokes'" in last
    assert "--seed is 4, was 3" in last
    assert before == {p: p.stat().st_mtime_ns for p in pathlib.Path(uninterrupted).rglob("*")}
