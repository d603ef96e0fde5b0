"""Ten kills at random steps, and still the same bits."""

import json
import multiprocessing
import random
import time

import pytest

from kinpaint.training import checkpoints, session
from tests.training.test_resume import assert_same_state
from tests.training.test_session import settings

STEPS, KILLS = 90, 10


def train(data_dir, run_dir):
    """One start of the run; in a process of its own."""
    session.train(
        settings(
            data_dir,
            run_dir,
            steps=STEPS,
            image_size=16,
            masks="strokes",
            ema=0.9,
            model="cnn(width=4, depth=1)",
            checkpoint_every=3,
            log_every=1,
            seed=3,
        )
    )


def logged_step(run_dir):
    """The last step in the history; 0 before the first."""
    try:
        return json.loads((run_dir / "history.jsonl").read_text().splitlines()[-1])["step"]
    except (OSError, ValueError, IndexError):
        return 0


@pytest.mark.slow
@pytest.mark.distributed
def test_killed_at_ten_random_steps_it_ends_with_the_same_bits(sample_dir, tmp_path):
    """A server that has imported TensorFlow, but not used it, forks each start of the run."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__, "tensorflow", "kinpaint.training.session"])
    chance, run, killed_at = random.Random(11), tmp_path / "run", []

    def start(run_dir):
        process = server.Process(target=train, args=(sample_dir, run_dir))
        process.start()
        return process

    def finish(run_dir):
        process = start(run_dir)
        process.join(300)
        assert process.exitcode == 0

    for _ in range(KILLS):
        newest = checkpoints.newest(run)
        target = (checkpoints.step_of(newest) if newest else 0) + chance.randint(1, 6)
        process = start(run)
        while process.is_alive() and logged_step(run) < target:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))  # anywhere within a step or a checkpoint
        process.kill()
        process.join()
        killed_at.append(logged_step(run))
        assert process.exitcode == -9, f"it ended before kill {len(killed_at)}"
    finish(run)
    finish(tmp_path / "whole")
    assert_same_state(run, tmp_path / "whole")
    assert len(set(killed_at)) > KILLS // 2, killed_at
