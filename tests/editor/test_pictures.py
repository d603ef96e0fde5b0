"""Pyramids and layers against pictures that were composed in one piece."""

import numpy as np
import pytest

from kinpaint.editor import pictures


def pyramid(pixels, depth):
    """The levels by their definition: means of 2x2, the edge repeated."""
    levels = [pixels]
    for _ in range(depth):
        last = levels[-1].astype(int)
        height, width = last.shape[:2]
        rows, columns = (np.minimum(np.arange(-(-n // 2) * 2), n - 1) for n in (height, width))
        last = last[rows][:, columns]
        total = last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2]
        levels.append(((total + 2) // 4).astype(np.uint8))
    return levels


@pytest.mark.parametrize("height, width", [(1, 1), (37, 61), (600, 1030), (513, 512)])
def test_any_part_of_any_level_is_that_of_the_composed_picture(tmp_path, height, width):
    random = np.random.default_rng(height)
    depth = pictures.depth_of(width, height) + 2  # deeper than needed: sides of a pixel or two
    picture = random.integers(0, 256, (height, width, 3), np.uint8)
    layers = [pictures.store(tmp_path / "0", picture, depth)]
    changed = np.zeros((height, width), bool)
    for k in range(3):
        hole = np.zeros((height, width), bool)
        top, left = random.integers(0, height), random.integers(0, width)
        hole[top : top + height // 3 + 1, left : left + width // 4 + 1] = True
        filled = random.integers(0, 256, picture.shape, np.uint8)
        layers.append(pictures.store_filling(tmp_path / f"s{k}", picture, filled, hole, depth))
        picture = np.where(hole[..., None], filled, picture)
        changed |= hole
    np.testing.assert_array_equal(pictures.hole_of(layers), changed)
    for level, whole in enumerate(pyramid(picture, depth)):
        assert pictures.level_size(width, height, level) == whole.shape[1::-1]
        np.testing.assert_array_equal(pictures.whole(layers, level), whole)
        left, top = random.integers(0, whole.shape[1]), random.integers(0, whole.shape[0])
        part = pictures.region(layers, level, left, top, left + 40, top + 30)
        np.testing.assert_array_equal(part, whole[top : top + 30, left : left + 40])


def test_the_top_level_fits_a_tile():
    for width, height in ((512, 1), (513, 2), (8688, 5792), (100_000, 3)):
        top = pictures.level_size(width, height, pictures.depth_of(width, height))
        assert pictures.TILE / 2 <= max(top) <= pictures.TILE
