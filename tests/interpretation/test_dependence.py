"""Dependence of models whose dependence is known."""

import numpy as np
import pytest

from kinpaint.interpretation import dependence
from tests.interpretation.fakes import Shifted, WindowMean

SIDE, BLOCK = 24, 4


def scene():
    """Noise with a square hole in the middle."""
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype("uint8")
    hole = np.zeros((SIDE, SIDE), bool)
    hole[10:14, 10:14] = True
    return image, hole


def test_occlusion_is_the_change_of_the_windows_mean():
    image, hole = scene()
    window = (slice(2, 10), slice(16, 24))
    changes = dependence.occlusion(WindowMean(window).complete, image, hole, BLOCK, 5)
    pixels = image.astype(float)
    inside = np.zeros_like(hole)
    inside[window] = True
    before = np.rint(pixels[inside].mean(axis=0))
    for row in range(SIDE // BLOCK):
        for column in range(SIDE // BLOCK):
            block = np.zeros_like(hole)
            block[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = True
            after = np.rint(pixels[inside & ~block & ~hole].mean(axis=0))
            expected = np.abs(after - before).mean() / 255
            assert changes[row, column] == pytest.approx(expected, abs=1e-7)
    touched = changes > 0
    assert touched[0:3, 4:6].any() and not touched[3:].any() and not touched[:, :4].any()


def test_blocks_without_a_known_pixel_are_not_asked():
    image, hole = scene()
    hole[8:16, 8:16] = True
    asked = []

    def complete(images, holes):
        asked.extend(holes[1:] if len(asked) == 0 and len(holes) > 1 else holes)
        return images

    changes = dependence.occlusion(complete, image, hole, BLOCK, 7)
    assert np.isnan(changes[2:4, 2:4]).all() and np.isnan(changes).sum() == 4
    assert len(asked) == 36 - 4 + 1
    assert all((wider[..., 0] & hole == hole).all() for wider in asked)


def test_what_is_under_holes_is_never_shown():
    image, hole = scene()

    def complete(images, holes):
        assert not images[np.broadcast_to(holes, images.shape)].any()
        return images

    dependence.occlusion(complete, image, hole, BLOCK, 8)


@pytest.mark.parametrize("gain, pixels", [(0.5, 1), (2.0, 1 << 16), (1.0, 1200)])
def test_gradient_of_a_shift_is_its_gain_at_the_sources(gain, pixels, monkeypatch):
    image, hole = scene()
    monkeypatch.setattr(dependence, "_PIXELS", pixels)
    slopes = dependence.gradient(Shifted(6, gain), image, hole)
    expected = np.zeros((SIDE, SIDE))
    expected[10:14, 4:8] = gain * np.sqrt(3)  # three channels, each its own source
    np.testing.assert_allclose(slopes, expected, atol=1e-6)


def test_radius_and_distances_of_a_known_map():
    hole = np.zeros((5, 40), bool)
    hole[:, :10] = True
    values = np.zeros(hole.shape)
    values[2, 10], values[2, 14], values[2, 30] = 6, 3, 1  # distances 1, 5 and 21
    assert dependence.radius(values, hole, 0.6) == 1
    assert dependence.radius(values, hole, 0.9) == 5
    assert dependence.radius(values, hole, 0.95) == 21
    distances, shares = dependence.by_distance(values, hole)
    assert np.interp(4.5, distances, shares) == pytest.approx(0.6)
    assert shares[-1] == 1
    assert dependence.radius(np.zeros(hole.shape), hole) is None
    assert dependence.radius(values, np.zeros_like(hole)) is None


def test_spread_keeps_each_blocks_sum_on_its_known_pixels():
    _, hole = scene()
    changes = np.random.default_rng(1).random((6, 6))
    spread = dependence.spread(changes, hole, BLOCK)
    assert not spread[hole].any()
    np.testing.assert_allclose(dependence.block_sums(spread, BLOCK), changes)
    odd = dependence.spread(np.ones((3, 2)), np.zeros((9, 5), bool), 4)
    np.testing.assert_allclose(dependence.block_sums(odd, 4), np.ones((3, 2)))


def test_agreement_is_the_correlation_of_ranks():
    hole = np.zeros((4, 16), bool)
    hole[:, 12:] = True
    changes = np.array([[1.0, 3.0, 2.0, np.nan]])
    slopes = np.kron([[10.0, 200.0, 20.0, 7.0]], np.ones((4, 4)))
    assert dependence.agreement(changes, slopes, hole, 4) == pytest.approx(1)
    assert dependence.agreement(changes, -slopes, hole, 4) == pytest.approx(-1)
    assert dependence.agreement(np.ones((1, 4)), slopes, hole, 4) is None
