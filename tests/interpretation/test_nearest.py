"""Nearest training patches: a planted copy is found, distances are the definition's."""

import numpy as np
import pytest

from kinpaint.interpretation import nearest


def noise(seed, *shape):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_planted_copy_is_found_at_distance_zero(mirrored):
    pictures = noise(0, 6, 20, 20, 3)
    source = pictures[4, :, ::-1] if mirrored else pictures[4]
    patches = np.stack([source[7:12, 3:8], noise(1, 5, 5, 3)])
    weights = np.ones((2, 5, 5))
    batches = [([10, 11, 12], pictures[:3]), ([13, 14, 15], pictures[3:])]
    copy, other = nearest.search(patches, weights, batches)
    assert copy.distance == 0 and copy.place == (14, 7, 3, mirrored)
    np.testing.assert_array_equal(copy.patch, patches[0])
    assert other.distance > 0.3


def test_the_search_is_the_least_distance_of_all_places():
    pictures, patches = noise(2, 3, 9, 11, 3), noise(3, 4, 4, 4, 3)
    weights = np.abs(noise(4, 4, 4, 4))
    found = nearest.search(patches, weights, [(range(3), pictures)])
    for patch, weight, match in zip(patches, weights, found, strict=True):
        every = [
            nearest.distance(patch, turned[y : y + 4, x : x + 4], weight)
            for picture in pictures
            for turned in (picture, picture[:, ::-1])
            for y in range(6)
            for x in range(8)
        ]
        assert match.distance == pytest.approx(min(every), rel=1e-6)


def test_more_windows_than_are_scored_at_once(monkeypatch):
    pictures, patches = noise(5, 2, 8, 8, 3), noise(6, 7, 3, 3, 3)
    whole = nearest.search(patches, np.ones((7, 3, 3)), [([0, 1], pictures)])
    monkeypatch.setattr(nearest, "_QUERIES", 2)
    parts = nearest.search(patches, np.ones((7, 3, 3)), [([0, 1], pictures)])
    assert [one.place for one in whole] == [one.place for one in parts]


def test_distance_is_one_for_the_mean_colour_and_ignores_unweighted_pixels():
    patch = noise(7, 6, 6, 3)
    weights = np.zeros((6, 6))
    weights[:3] = 1
    other = np.broadcast_to(patch[:3].mean(axis=(0, 1)), patch.shape).copy()
    other[3:] = 9
    assert nearest.distance(patch, other, weights) == pytest.approx(1, abs=0.01)
    assert nearest.distance(patch, patch + 0.5 * (other - patch), weights) == pytest.approx(
        0.5, abs=0.01
    )


def test_windows_take_the_fullest_and_overlap_by_half_at_most():
    shares = np.zeros((32, 32))
    shares[4:12, 8:24] = 1
    chosen = nearest.windows(shares, 8, 4)
    assert chosen[:2] == [(4, 8), (4, 12)]
    for i, (y, x) in enumerate(chosen):
        assert shares[y : y + 8, x : x + 8].any()
        for t, s in chosen[:i]:
            assert max(0, 8 - abs(y - t)) * max(0, 8 - abs(x - s)) <= 32
    assert nearest.windows(np.zeros((32, 32)), 8, 4) == []


def test_a_hole_in_the_last_corner_has_its_window():
    shares = np.zeros((50, 51))
    shares[-1, -1] = 1
    assert nearest.windows(shares, 12, 4) == [(38, 39)]
