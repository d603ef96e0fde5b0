"""The models in the box: small, credited, and of use on pictures they never saw."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

import kinpaint
from kinpaint.evaluation.baselines import Baseline
from kinpaint.inpainting import presets
from pipelines import masks

ROOT = pathlib.Path(kinpaint.__file__).parents[1]
LIMITS = {"kinpaint-base": 28e6, "kinpaint-small": 8e6}  # bytes
UNSEEN = ("coffee", "grass", "camera")  # the validation split of `pipelines.sample`


@pytest.fixture(scope="module", params=LIMITS)
def model(request):
    return kinpaint.load(request.param)


def photo(name, side=256):
    """uint8 [side, side, 3]."""
    picture = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))


def psnr_hole(truth, completed, hole):
    errors = truth[hole].astype(float) - completed[hole]
    return 10 * np.log10(255.0**2 / np.mean(errors**2))


@pytest.mark.parametrize("name", LIMITS)
def test_it_is_small_and_credits_the_photographers(name):
    path = presets.path_of(name)
    files = [file for file in path.rglob("*") if file.is_file()]
    assert 1e6 < sum(file.stat().st_size for file in files) < LIMITS[name]
    text = (path / presets.CARD).read_text()
    credits_ = json.loads(text)["data"]["credits"]
    assert "Oxford-IIIT Pet" in credits_ and "CC BY-SA 4.0" in credits_
    assert "asirra" not in text and "cub_" not in text and "/work" not in text
    about = (path.parent / "README.md").read_text()
    assert "CC BY-SA 4.0" in about and "Limits" in about


@pytest.mark.parametrize("family", ["thin", "medium"])
def test_it_beats_telea_on_pictures_it_never_saw(model, family):
    telea, gains = Baseline("telea"), []
    for i, name in enumerate(UNSEEN):
        truth = photo(name)
        hole = masks.batch(family, (7, i), 2, 256, 256).numpy()[..., 0] > 0.5
        truths = np.stack([truth] * len(hole))
        mine = model.complete_batch(truths, hole[..., None])
        theirs = telea.complete_batch(truths, hole[..., None])
        np.testing.assert_array_equal(mine[~hole], truths[~hole])
        for t, m, h, where in zip(truths, mine, theirs, hole, strict=True):
            gains.append(psnr_hole(t, m, where) - psnr_hole(t, h, where))
    assert np.mean(gains) > 0.5


def test_complete_uses_it_where_no_model_is_named(tmp_path):
    truth = photo("coffee")
    Image.fromarray(truth).save(tmp_path / "photo.png")
    hole = np.zeros((256, 256), np.uint8)
    hole[100:108, 60:160] = hole[60:160, 40:48] = 255
    Image.fromarray(hole).save(tmp_path / "mask.png")
    command = [sys.executable, "-m", "kinpaint.complete", f"--image={tmp_path}/photo.png"]
    command += [f"--mask={tmp_path}/mask.png", f"--output={tmp_path}/filled.png"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    filled = np.asarray(Image.open(tmp_path / "filled.png"))
    np.testing.assert_array_equal(filled[hole == 0], truth[hole == 0])
    (theirs,) = Baseline("telea").complete_batch(truth[None], hole[None, ..., None])
    assert psnr_hole(truth, filled, hole > 0) > psnr_hole(truth, theirs, hole > 0) + 0.5


def test_larger_pictures_come_out_the_same_way_from_the_signature_and_from_complete():
    """A hole of 200 px, which the network alone fills with a woven stamp."""
    model, truth = kinpaint.load("kinpaint-base"), photo("grass", 512)
    hole = np.zeros((512, 512), bool)
    hole[156:356, 156:356] = True
    mask = np.where(hole, np.uint8(255), np.uint8(0))[None, ..., None]
    served = model._complete(truth[None], mask, None)[0]
    mine = model.complete(truth, hole, detail=False)
    once = model.network({"image": truth[None] / np.float32(127.5) - 1, "mask": mask / 255.0})
    once = (np.asarray(once["output"][0]) + 1) * 127.5
    away = [np.abs(mine.astype(float) - x)[hole].mean() for x in (served, once)]
    assert away[0] < 0.6 * away[1]
    np.testing.assert_array_equal(served[~hole], truth[~hole])
