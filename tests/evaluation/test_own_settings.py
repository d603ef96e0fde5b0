"""A model is scored as it was trained unless told, and what was told is never passed over."""

import dataclasses
import json
import types

import numpy as np
import pytest

from kinpaint.evaluation import contestants, preparing
from kinpaint.options import LossOptions, ModelOptions, OptimizerOptions, TrainOptions
from kinpaint.training import session
from kinpaint.training.settings import Settings
from pipelines.base.errors import UserError
from pipelines.masks.published import Holes, checksum, write
from pipelines.options import FeedOptions, PhotoOptions
from tests.evaluation.running import evaluate, metrics

MIXTURE = "0.5*thick + 0.3*center + 0.2*thin"


def opened(name, size=None, masks=None):
    flags = {"image_size": size and str(size), "masks": masks}
    card = {"flags": {k: v for k, v in flags.items() if v}}
    return contestants.Contestant(name, name, "1", None, False, card=card)


@pytest.mark.parametrize(
    ("models", "told", "found"),
    [
        ([opened("a", 96, "thin")], {}, {"image_size": 96, "masks": "thin"}),
        ([opened("a", 96, "thin")], {"masks": "center"}, {"image_size": 96}),
        ([opened("a", 96, "thin")], {"level": 2}, {}),
        ([opened("a", 96), opened("mean")], {}, {"image_size": 96}),
        (
            [opened("a", 96, "thin"), opened("b", 96, "thick")],
            {"masks": "thin"},
            {"image_size": 96},
        ),
        ([opened("mean")], {}, {}),
    ],
)
def test_what_the_models_trained_at_is_taken_unless_told(models, told, found, capsys):
    assert contestants.own_settings(models, PhotoOptions(**told)) == found
    said = capsys.readouterr().out
    assert all(f"--{name}={value}, as a" in said for name, value in found.items())


def test_models_that_trained_differently_are_no_guess():
    models = [opened("a", 64, "thin"), opened("b", 128, "thin"), opened("mean")]
    with pytest.raises(UserError, match=r"differ in --image_size \(a at 64, b at 128\): say"):
        contestants.own_settings(models, PhotoOptions())


def test_validation_scores_what_eval_scores(sample_dir, plain, tmp_path):
    """One run of a mixture: its history and an evaluation told nothing give one figure."""
    run_dir = tmp_path / "run"
    session.train(
        Settings(
            TrainOptions(
                run_dir=str(run_dir),
                steps=1,
                validate_every=1,
                pictures_every=0,
                validation_pictures=7,
            ),
            FeedOptions(
                data_dir=str(sample_dir), image_size=40, masks=MIXTURE, batch_size=2, seed=3
            ),
            ModelOptions(model="cnn(width=4, depth=2)"),
            LossOptions(),
            OptimizerOptions(),
        )
    )
    history = [
        json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()
    ]
    (validated,) = [line for line in history if "val_psnr_hole" in line]
    photo = PhotoOptions(data_dir=str(sample_dir), batch_size=4)
    changes = {"model": (str(run_dir),), "baselines": "none", "limit": 7}
    evaluate(photo, plain, tmp_path / "out", **changes)
    figures = metrics(tmp_path / "out")
    told = figures["settings"]
    assert (told["image_size"], told["masks"], told["split"]) == (40, MIXTURE, "val")
    assert set(figures["families"]) == {"thick", "center", "thin"}
    scored = figures["models"]["run"]["psnr_hole"]
    assert scored["n"] == 7
    assert validated["val_psnr_hole"] == pytest.approx(scored["mean"], abs=1e-3)


@pytest.fixture
def listed(sample_dir, tmp_path):
    """A list of two holes, and what an evaluation of them must be given."""
    drawn = Holes("thin", 24, 1)
    names = ("animals/chelsea_000.jpg", "people/camera_000.jpg")
    rows = [
        {"index": i, "image": name, "family": "thin", "sha256": checksum(drawn[i])}
        for i, name in enumerate(names)
    ]
    write(tmp_path / "holes.jsonl", drawn, rows)
    return types.SimpleNamespace(path=str(tmp_path / "holes.jsonl"), data_dir=str(sample_dir))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"image_size": 64}, "--image_size=64: the holes of .* are of 24 pixels"),
        ({"masks": "thick"}, "--masks=thick: the holes of .* are thin"),
        ({"level": 2}, "--image_size=64: the holes"),
        ({"split": "val"}, "1 pictures of .* are not in .*, split val"),
        ({"classes": "sky"}, "2 pictures"),
    ],
)
def test_settings_that_a_list_of_holes_contradicts_are_refused(plain, listed, told, words):
    options = dataclasses.replace(plain, holes=listed.path, out_dir="out")
    with pytest.raises(UserError, match=words):
        preparing.check(PhotoOptions(data_dir=listed.data_dir, **told), options)


def test_settings_that_a_list_of_holes_confirms_are_welcome(plain, listed):
    options = dataclasses.replace(plain, holes=listed.path, out_dir="out")
    photo = PhotoOptions(
        data_dir=listed.data_dir, image_size=24, masks="1.0*thin", classes="animals,people"
    )
    chosen, holes = preparing.check(photo, options)
    assert sorted(chosen) == [0, 1] and np.any(holes[1])
