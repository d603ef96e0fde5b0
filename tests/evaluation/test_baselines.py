"""Baselines keep known pixels, see nothing under the hole, and survive every hole."""

import numpy as np
import pytest
from skimage import data

from kinpaint.evaluation.baselines import BASELINES, GREY, Baseline


@pytest.fixture(scope="module")
def pictures():
    return np.stack([data.chelsea()[100:132, 100:140], data.coffee()[50:82, 200:240]])


@pytest.fixture(scope="module")
def holes():
    holes = np.zeros((2, 32, 40, 1), bool)
    holes[0, 5:20, 8:15], holes[1, 20:, 30:] = True, True
    return holes


@pytest.mark.parametrize("name", BASELINES)
def test_known_pixels_come_back_and_what_lies_under_the_hole_is_not_seen(name, pictures, holes):
    other = np.where(holes, np.random.default_rng(0).integers(0, 256, pictures.shape), pictures)
    completed = Baseline(name).complete_batch(pictures, holes)
    assert completed.dtype == np.uint8 and completed.shape == pictures.shape
    np.testing.assert_array_equal(np.where(holes, 0, completed), np.where(holes, 0, pictures))
    again = Baseline(name).complete_batch(other.astype("uint8"), holes)
    np.testing.assert_array_equal(completed, again)


@pytest.mark.parametrize("name", BASELINES)
def test_no_hole_and_nothing_but_hole(name, pictures):
    nothing = np.zeros((2, 32, 40, 1), "uint8")
    baseline = Baseline(name)
    np.testing.assert_array_equal(baseline.complete_batch(pictures, nothing), pictures)
    assert (baseline.complete_batch(pictures, nothing + 128) == GREY).all()


@pytest.mark.parametrize("name", sorted(set(BASELINES) - {"mean"}))
def test_a_gradient_is_continued(name):
    ramp = np.broadcast_to(np.linspace(20, 220, 40)[None, :, None], (32, 40, 3)).astype("uint8")
    hole = np.zeros((1, 32, 40, 1), bool)
    hole[:, 10:18, 15:23] = True
    completed = Baseline(name).complete_batch(ramp[None], hole)[0].astype(int)
    assert np.abs(completed - ramp).max() <= 16  # the mean colour is off by 45 and more


def test_the_mean_is_that_of_the_known_pixels():
    picture = np.full((1, 4, 4, 3), 10, "uint8")
    picture[0, 0] = 250
    hole = np.zeros((1, 4, 4, 1), bool)
    hole[0, 0] = True
    assert (Baseline("mean").complete_batch(picture, hole) == 10).all()


def test_samples_are_all_alike_and_one_for_one_the_batch(pictures, holes):
    baseline = Baseline("telea")
    samples = baseline.complete_batch(pictures, holes, samples=3)
    assert samples.shape == (3, *pictures.shape)
    for i in range(2):
        alone = baseline.complete_batch(pictures[i : i + 1], holes[i : i + 1])[0]
        np.testing.assert_array_equal(samples[:, i], np.stack([alone] * 3))
