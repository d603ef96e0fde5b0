"""The best checkpoint: by the chosen score, in its own direction, kept over a resume."""

import contextlib
import json
import types

import numpy as np
import pytest

from kinpaint.training import callbacks, checkpoints, restoring, session
from pipelines.base.errors import UserError
from tests.metrics import recipe
from tests.training.test_session import settings

pytestmark = pytest.mark.filterwarnings("ignore:.*torchvision")  # the trunk is a seeded one
ALONE = {"critic": "none"}


@pytest.fixture
def trunks(tmp_path):
    """A folder with a seeded SqueezeNet; no other weights."""
    folder = tmp_path / "weights"
    folder.mkdir()
    path = folder / "squeezenet1_1_features_torchvision.npz"
    np.savez(path, **recipe.trunk("squeeze"))
    return folder


def judge(name, scores, averaged, patience):
    """Feeds scores to the callback; returns the run after them and the steps it saved."""
    saved = []
    run = types.SimpleNamespace(best=None, best_step=None, stale=0, stop="")
    run.save = lambda: saved.append(run.best_step)
    fixed = types.SimpleNamespace()
    watch = callbacks.Validate(
        run, types.SimpleNamespace(add=lambda *_: None), fixed, 1, patience, name
    )
    watch.set_model(types.SimpleNamespace(network=None, average=averaged))
    run.averaged = lambda: contextlib.nullcontext("average")
    for step, score in enumerate(scores, start=1):
        wrong = {"val_psnr_hole": 0.0, "val_l1_hole": 0.0}  # never judged by
        fixed.score = lambda network, score=score, wrong=wrong: (
            wrong | {f"val_{name}": score if bool(network) == averaged else 0.0}
        )
        watch.on_train_batch_end(step)
    return run, saved


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("psnr_hole", [20.0, 19.0, 22.0, 21.0, 22.0]),
        ("l1_hole", [0.3, 0.4, 0.1, 0.2, 0.1]),
        ("lpips_vgg", [0.3, 0.4, 0.1, 0.2, 0.1]),
    ],
)
def test_the_best_is_the_most_decibels_or_the_least_distance(name, scores, averaged):
    run, saved = judge(name, scores, averaged, patience=2)
    assert (run.best, run.best_step, run.stale) == (scores[2], 3, 2)
    assert saved == [1, 3]
    assert run.stop == f"no better val_{name} in the last 2"
    assert judge(name, scores, averaged, patience=3)[0].stop == ""


@pytest.mark.slow
def test_a_run_is_judged_by_its_lpips_and_a_resume_keeps_the_best(sample_dir, tmp_path, trunks):
    changes = ALONE | {
        "best_by": "lpips_squeeze",
        "feature_weights_dir": str(trunks),
        "validate_every": 1,
        "validation_pictures": 3,
        "keep_checkpoints": 1,
        "early_stop": 4,
    }
    run = session.train(settings(sample_dir, tmp_path / "run", steps=3, **changes))
    scores = validated(run.dir)
    assert list(scores) == [1, 2, 3] and run.best == pytest.approx(min(scores.values()), 1e-4)
    assert scores[run.best_step] == min(scores.values())

    path = checkpoints.newest(run.dir)
    note = checkpoints.note(path) | {"best": 0.0, "best_step": 3, "stale": 1}  # unbeatable
    (path / "note.json").write_text(json.dumps(note))
    again = session.train(settings(sample_dir, run.dir, steps=9, **changes))
    # three more are stale at step 6; all workers stop together, a step later
    assert (again.best, again.best_step, again.step) == (0.0, 3, 7)
    assert again.stop == "no better val_lpips_squeeze in the last 5"
    assert list(validated(run.dir)) == list(range(1, 8))
    kept = sorted(p.name for p in (run.dir / "checkpoints").iterdir())
    assert kept == ["step-00000003", "step-00000007"]
    _, best = restoring.restore_generator(run.dir, checkpoint="best")
    assert best["step"] == 3 and restoring.restore_generator(run.dir)[1]["step"] == 7


def validated(run_dir):
    rows = [json.loads(line) for line in (run_dir / "history.jsonl").open()]
    name = "val_lpips_squeeze"
    return {row["step"]: row[name] for row in rows if name in row}


def test_a_trunk_too_deep_for_the_pictures_is_refused(sample_dir, tmp_path, trunks):
    changes = {"best_by": "lpips_squeeze", "feature_weights_dir": str(trunks), "image_size": 16}
    changes |= ALONE
    with (
        pytest.warns(UserWarning, match="torchvision"),
        pytest.raises(
            UserError, match="--best_by=lpips_squeeze: the squeeze trunk needs sides"
        ),
    ):
        session.train(settings(sample_dir, tmp_path / "run", validate_every=1, **changes))
    assert not (tmp_path / "run").exists()


def test_a_run_without_validations_has_no_best(sample_dir, tmp_path):
    run = session.train(settings(sample_dir, tmp_path / "run", steps=1, **ALONE))
    with pytest.raises(UserError, match="no best checkpoint: it was never validated"):
        restoring.restore_generator(run.dir, checkpoint="best")
