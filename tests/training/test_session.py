"""Settings that will not do are refused in one line, before anything is written."""

import dataclasses
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.options import LossOptions, ModelOptions, OptimizerOptions, TrainOptions
from kinpaint.training import building, callbacks, checkpoints, dry_run, session, strategy
from kinpaint.training.run import Run
from kinpaint.training.settings import Settings
from pipelines import photos
from pipelines.base.errors import UserError
from pipelines.options import FeedOptions
from tests.training import tiny


def settings(data_dir, run_dir, **changes):
    made = Settings(
        TrainOptions(run_dir=str(run_dir), steps=2, validate_every=0, pictures_every=0),
        FeedOptions(
            data_dir=str(data_dir), split="train", image_size=32, batch_size=2, masks="center"
        ),
        ModelOptions(model="cnn(width=4, depth=2)", discriminator="sn_patch(width=4)"),
        LossOptions(),
        OptimizerOptions(),
    )
    for part in dataclasses.fields(made):
        group = getattr(made, part.name)
        mine = {k: v for k, v in changes.items() if hasattr(group, k)}
        made = dataclasses.replace(made, **{part.name: dataclasses.replace(group, **mine)})
    return made


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_dir": "/nonexistent"}, "no directory"),
        ({"model": "gatd"}, "'gatd' is none of mlp"),
        ({"model": "cnn(depht=2)"}, "no setting depht; known: depth"),
        ({"model": "cnn + mlp"}, "names one network"),
        ({"model": "gated(width=4"}, "cannot read the --model"),
        ({"discriminator": "pach"}, "'pach' is none of patch"),
        ({"masks": "strokes(colour=3)"}, "strokes has no setting 'colour'"),
        ({"losses": "l3"}, "'l3' is none of l1"),
        (
            {"model": "cnn(width=4, depth=2)", "losses": "l1 + 1*l1_hole(of=coarse)"},
            "has a term of=coarse, which 'cnn' does not paint; it has composite, output",
        ),
        ({"adversarial": "hing"}, "--adversarial=hing: write one of hinge"),
        ({"batch_size": 0}, "--batch_size=0: write a whole number of at least 1"),
        ({"model": "gated(name=mine)"}, "name and dtype cannot be set"),
        ({"model": "gated(width=wide)"}, "cannot be built of (width=wide)"),
        ({"accumulate": 0}, "--accumulate=0: write a whole number"),
        ({"validation_pictures": 0}, "--validation_pictures=0: write a whole number"),
        ({"strategy": "multi_worker"}, "needs TF_CONFIG"),
        ({"strategy": "mirrored", "steps_per_execution": 2}, "one device only"),
        ({"strategy": "mirrored", "accumulate": 2}, "--accumulate above 1 works on one device"),
        ({"steps": 9, "steps_per_execution": 2}, "--steps must be a multiple"),
        ({"warm_start": "/nonexistent"}, "--warm_start: /nonexistent has no checkpoint"),
        (
            {
                "best_by": "lpips_alex",
                "validate_every": 1,
                "feature_weights_dir": "/nonexistent",
            },
            "--feature_weights_dir=/nonexistent is no directory: make it with",
        ),
    ],
)
def test_bad_settings_are_one_line_and_write_nothing(
    sample_dir, tmp_path, monkeypatch, changes, words
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    changes = {"data_dir": str(sample_dir), **changes}
    with pytest.raises(UserError) as caught:
        session.train(settings(run_dir=tmp_path / "run", **changes))
    message = str(caught.value)
    assert words in message and "\n" not in message
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("group", [1, 2])
def test_a_dry_run_measures_and_saves_nothing(sample_dir, tmp_path, capsys, group):
    session.train(
        settings(sample_dir, tmp_path / "run", dry_run=True, steps_per_execution=group)
    )
    said = capsys.readouterr().out
    assert "parameters; discriminator: " in said and "s a step" in said and "MB above" in said
    assert {p.name for p in (tmp_path / "run").iterdir()} == {".nomedia", "dry_run.png"}


def test_the_memory_of_a_step_is_the_gpu_s_where_one_trains(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])
    monkeypatch.setattr(
        tf.config.experimental, "get_memory_info", lambda name: {"peak": 3 * 2**20}
    )
    assert dry_run._peak_megabytes() == 3.0


@pytest.mark.slow
def test_warm_start_takes_what_fits_and_names_the_rest(sample_dir, tmp_path, capsys):
    first = session.train(settings(sample_dir, tmp_path / "one", checkpoint_every=2))
    session.train(
        settings(sample_dir, tmp_path / "two", warm_start=str(tmp_path / "one"), steps=1)
    )
    assert f"warm start: {len(first.inpainter.network.variables)} variables" in (
        capsys.readouterr().out
    )
    wider = settings(
        sample_dir,
        tmp_path / "three",
        model="cnn(width=4, depth=3)",
        warm_start=str(tmp_path / "one"),
        steps=1,
    )
    session.train(wider)
    assert "warm start: down2/kernel is missing; kept as initialised" in capsys.readouterr().out


@pytest.mark.slow
def test_grouped_and_compiled_steps_end_where_single_steps_do(sample_dir, tmp_path):
    ends = {}
    for name, extra in {
        "single": {},
        "grouped": {"steps_per_execution": 2},
        "compiled": {"jit_compile": True},
    }.items():
        made = settings(sample_dir, tmp_path / name, steps=4, checkpoint_every=4, **extra)
        ends[name] = session.train(made).inpainter.network.get_weights()
    for name, tolerance in (("grouped", 1e-6), ("compiled", 2e-4)):
        for one, other in zip(ends["single"], ends[name], strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [2, 12])
def test_a_profile_is_written_for_tensorboard(sample_dir, tmp_path, steps):
    """Ten steps long, or as many as there are."""
    made = settings(
        sample_dir, tmp_path / "run", profile_at=1, steps=steps, discriminator="none"
    )
    session.train(made)
    traces = list((tmp_path / "run" / "logs" / "plugins" / "profile").glob("*/*.xplane.pb"))
    assert len(traces) == 1 and traces[0].stat().st_size > 1000


class _Broken:
    """Losses that turn NaN at chosen calls of the compiled step."""

    def __init__(self, losses, at):
        self.losses, self.weighted = losses, losses.weighted
        self.calls = tf.Variable(0, trainable=False)
        self.at = at

    def __call__(self, batch, outputs):
        total, terms = self.losses(batch, outputs)
        self.calls.assign_add(1)
        bad = tf.where(tf.equal(self.calls, self.at), np.nan, 1.0)
        return total * bad, {name: value * bad for name, value in terms.items()}


@pytest.mark.parametrize("action", ["stop", "rollback"])
def test_a_nan_batch_stops_by_name_or_rolls_back(sample_dir, tmp_path, monkeypatch, action):
    build = building.build

    def broken(made):
        model = build(made)
        model.weighted_losses = _Broken(model.weighted_losses, at=4)
        return model

    monkeypatch.setattr(building, "build", broken)
    made = settings(
        sample_dir, tmp_path / "run", steps=6, checkpoint_every=2, on_nonfinite=action
    )
    if action == "stop":
        words = r"step 4: gradient_norm, l1, loss not finite.*step-00000002"
        with pytest.raises(UserError, match=words):
            session.train(made)
        assert checkpoints.step_of(checkpoints.newest(tmp_path / "run")) == 2
        return
    run = session.train(made)
    assert (run.step, run.drawn, run.rollbacks, run.rate_factor) == (6, 8, 1, 0.5)
    assert all(np.isfinite(w).all() for w in run.inpainter.network.get_weights())
    (line,) = (run.dir / "history.jsonl").read_text().splitlines()
    assert np.isfinite(list(json.loads(line).values())).all()


def test_each_rollback_halves_the_rate_and_gives_no_time_back(tmp_path):
    """Two of them to one checkpoint; the callbacks after the guard never hear of either."""
    run = Run(tmp_path, tiny.inpainter(discriminator=False))
    run.save()
    guard, later = callbacks.Guard(run, "rollback"), keras.callbacks.Callback()
    later.on_train_batch_end = lambda *_: pytest.fail("heard of a void step")
    both = keras.callbacks.CallbackList([guard, later], model=run.inpainter)
    for rollbacks, factor in ((1, 0.5), (2, 0.25)):
        run.step, before = 1, run.cpu_minutes
        with pytest.raises(callbacks.RolledBackError):
            both.on_train_batch_end(1, {"loss": np.nan})
        assert (run.step, run.rollbacks, run.rate_factor) == (0, rollbacks, factor)
        assert run.cpu_minutes >= before


@pytest.mark.parametrize(
    "model, precision",
    [
        ("gated(width=4)", "float32"),
        ("gated(width=4)", "mixed_bfloat16"),
        ("global_local(width=8)", "float32"),  # batch normalisation moves its statistics once
    ],
)
def test_recomputed_activations_give_the_same_step(sample_dir, tmp_path, model, precision):
    weights = {}
    for recompute in (False, True):
        made = settings(
            sample_dir,
            tmp_path,
            recompute=recompute,
            model=model,
            precision=precision,
        )
        made = dataclasses.replace(
            made, model=dataclasses.replace(made.model, discriminator="none")
        )
        built = building.build(made)
        start = weights.setdefault("start", built.network.get_weights())
        built.network.set_weights(start)
        built.update(tiny.batch())
        weights[recompute] = built.network.get_weights()
    for plain, again in zip(weights[False], weights[True], strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-5, atol=1e-7)
    moved = [np.abs(a - b).max() for a, b in zip(weights[True], weights["start"], strict=True)]
    assert np.median(moved) > 1e-5


def test_recomputing_nothing_is_told(sample_dir, tmp_path):
    made = settings(
        sample_dir,
        tmp_path,
        recompute=True,
        model="partial(width=4)",
        precision="mixed_bfloat16",
    )
    with pytest.raises(UserError, match="nothing to recompute in partial"):
        building.build(made)


def test_bad_photos_among_good_ones_are_named_counted_and_skipped(tmp_path, sample_dir, capsys):
    photos = tmp_path / "photos" / "animals"
    photos.mkdir(parents=True)
    good = sorted((sample_dir / "animals").glob("*.jpg"))
    for number, path in enumerate(good[:3]):
        (photos / f"good{number}.jpg").write_bytes(path.read_bytes())
    (photos / "cut.jpg").write_bytes(good[0].read_bytes()[:700])
    (photos / "page.jpg").write_text("<html>not found</html>")
    run = session.train(
        dataclasses.replace(
            made := settings(tmp_path / "photos", tmp_path / "run"),
            photos=dataclasses.replace(made.photos, split="all"),
        )
    )
    said = capsys.readouterr().err
    assert run.step == 2
    assert "cut.jpg" in said and "page.jpg" in said and "skipped 2 of 5" in said


def test_a_directory_of_non_images_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / "page.jpg").write_text("<html>")
    bad = settings(tmp_path / "photos", tmp_path / "run")
    bad = dataclasses.replace(bad, photos=dataclasses.replace(bad.photos, split="all"))
    with pytest.raises(UserError, match="none of 1 photos can be read"):
        session.train(bad)


def test_photos_too_few_to_validate_on_are_told(tmp_path, sample_dir):
    folder = tmp_path / "photos" / "animals"
    folder.mkdir(parents=True)
    trained = photos.find(sample_dir, "train")[0].path
    (folder / "one.jpg").write_bytes(pathlib.Path(trained).read_bytes())
    alone = settings(
        tmp_path / "photos", tmp_path / "run", validate_every=1, discriminator="none"
    )
    with pytest.raises(UserError, match="no photos to validate on.*--validate_every=0"):
        session.train(alone)
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_run_directory(tmp_path, sample_dir):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UserError, match="run is a file: name a directory"):
        session.train(settings(sample_dir, tmp_path / "run"))


@pytest.mark.parametrize(
    "config",
    [
        "[]",
        '{"cluster": {"worker": 2}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"chief": ["a"], "worker": ["b"]}, "task": {"type": "chief", "index": 0}}',
    ],
)
def test_a_cluster_of_anything_but_workers_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match="needs TF_CONFIG, such as"):
        strategy.build("multi_worker")
