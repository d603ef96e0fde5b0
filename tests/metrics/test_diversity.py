"""Diversity: the variance identity against the loop over pairs, its hole, its zero."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from kinpaint.metrics.diversity import Diversity
from kinpaint.metrics.lpips import Lpips
from tests.metrics import recipe

SAMPLES = 5


@pytest.fixture(scope="module")
def lpips():
    return Lpips("alex", weights=recipe.trunk("alex"))


@pytest.fixture(scope="module")
def samples():
    picture, _ = recipe.pictures(64, 72)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (SAMPLES, *picture.shape))
    noise[:, :, :16] = 0.0  # the known part
    return np.clip(picture + noise, 0, 1).astype("float32")


@pytest.fixture(scope="module")
def mask():
    mask = np.ones((2, 64, 72, 1), "float32")
    mask[:, :16] = 0.0
    return mask


def test_equals_the_mean_over_all_pairs(lpips, samples, mask):
    pairs = [lpips(a, b).numpy() for a, b in itertools.combinations(samples, 2)]
    assert len(pairs) == SAMPLES * (SAMPLES - 1) / 2
    whole, _ = Diversity(lpips)(samples, mask)
    np.testing.assert_allclose(whole, np.mean(pairs, axis=0), rtol=1e-5)


def test_the_hole_s_value_is_the_spatial_map_averaged_over_it(lpips, samples, mask):
    def spatial(a, b):
        terms = zip(lpips.features(a), lpips.features(b), strict=True)
        maps = [tf.reduce_sum((x - y) ** 2, -1, keepdims=True) for x, y in terms]
        return sum(tf.image.resize(m, a.shape[1:3]).numpy() for m in maps)

    pairs = [spatial(a, b) for a, b in itertools.combinations(samples, 2)]
    expected = (np.mean(pairs, axis=0) * mask).sum(axis=(1, 2, 3)) / mask.sum(axis=(1, 2, 3))
    _, hole = Diversity(lpips)(samples, mask)
    np.testing.assert_allclose(hole, expected, rtol=1e-4)


def test_identical_samples_have_none_at_all(lpips, samples, mask):
    whole, hole = Diversity(lpips)([samples[0]] * 3, mask)
    np.testing.assert_array_equal(whole, 0.0)
    np.testing.assert_array_equal(hole, 0.0)


def test_without_a_hole_the_hole_s_value_is_undefined(lpips, samples):
    whole, hole = Diversity(lpips)(samples, np.zeros((2, 64, 72, 1), "float32"))
    assert np.isnan(hole).all() and (whole.numpy() > 0).all()
