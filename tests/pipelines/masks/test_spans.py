"""Shapes against a distance test on every pixel."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import masks
from pipelines.masks import spans


def brute_capsules(begin, end, radius, alive, height, width):
    """Union of segments' neighbourhoods by the distance of each pixel's centre."""
    y, x = np.mgrid[:height, :width].astype(float)
    hole = np.zeros([len(begin), height, width, 1], np.float32)
    for b, s in zip(*np.nonzero(alive), strict=True):
        (x0, y0), (x1, y1) = begin[b, s], end[b, s]
        dx, dy = x1 - x0, y1 - y0
        squared = dx * dx + dy * dy
        t = ((x - x0) * dx + (y - y0) * dy) / squared if squared else 0.0 * x
        t = np.clip(t, 0, 1)
        distance = np.hypot(x - x0 - t * dx, y - y0 - t * dy)
        hole[b, ..., 0][distance <= radius[b, s]] = 1
    return hole


def draw(begin, end, radius, alive, height, width):
    arrays = (begin, end, radius, alive)
    found = spans.capsules(*(tf.constant(a) for a in arrays), height, width)
    return spans.fill([found], len(begin), height, width).numpy()


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (37, 90), (1, 9), (9, 1), (130, 7)])
def test_capsules_equal_the_distance_test_on_every_pixel(size):
    random = np.random.default_rng(size[0])
    height, width = size
    scale = np.array([width, height])
    begin = random.uniform(-0.3, 1.3, [6, 9, 2]) * scale
    end = np.where(random.random([6, 9, 1]) < 0.7, random.uniform(-0.3, 1.3, [6, 9, 2]), 0.4)
    end = end * scale
    end[:, 0], end[:, 1, 0], end[:, 2, 1] = begin[:, 0], begin[:, 1, 0], begin[:, 2, 1]
    radius = random.uniform(0.05, 0.3, [6, 9]) * max(size)
    radius[:, 3] = random.uniform(0.01, 0.6, 6)
    alive = random.random([6, 9]) < 0.8
    expected = brute_capsules(begin, end, radius, alive, *size)
    np.testing.assert_array_equal(draw(begin, end, radius, alive, *size), expected)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-5, 30), min_size=4, max_size=4),
    st.floats(0.01, 40).filter(lambda r: abs(r * 8 - round(r * 8)) > 1e-6),
)
def test_a_single_capsule_equals_the_distance_test(ends, radius):
    points = np.array(ends).reshape(1, 1, 2, 2)
    shape = (points[:, :, 0], points[:, :, 1], np.array([[radius]]), np.array([[True]]))
    difference = draw(*shape, 19, 23) != brute_capsules(*shape, 19, 23)
    distance = brute_distance(points[0, 0], 19, 23)
    assert not (difference[0, ..., 0] & (np.abs(distance - radius) > 1e-9)).any()


def brute_distance(points, height, width):
    y, x = np.mgrid[:height, :width].astype(float)
    (x0, y0), (x1, y1) = points
    squared = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-300)
    t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / squared, 0, 1)
    return np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0))


@pytest.mark.parametrize("kind", ["strokes", "thin", "thick"])
@pytest.mark.parametrize("size", [(256, 256), (200, 320)])
def test_whole_masks_equal_the_distance_test(monkeypatch, kind, size):
    seen = []
    real = spans.capsules

    def spy(begin, end, radius, alive, height, width):
        seen.append([t.numpy() for t in (begin, end, radius, alive)])
        return real(begin, end, radius, alive, height, width)

    monkeypatch.setattr(spans, "capsules", spy)
    settings_ = {} if kind == "strokes" else {"box_share": 0.0}
    drawn = masks.batch(kind, [5, 6], 4, *size, **settings_).numpy()
    np.testing.assert_array_equal(drawn, brute_capsules(*seen[0], *size))


def test_boxes_equal_slices():
    random = np.random.default_rng(1)
    corners = random.integers(-4, 40, [4, 5, 6]).astype(np.int32)
    alive = random.random([5, 6]) < 0.7
    expected = np.zeros([5, 30, 26, 1], np.float32)
    for b, s in zip(*np.nonzero(alive), strict=True):
        left, top, right, bottom = np.maximum(corners[:, b, s], 0)
        expected[b, top:bottom, left:right] = 1
    found = spans.boxes(*tf.unstack(tf.constant(corners)), tf.constant(alive), 30, 26)
    np.testing.assert_array_equal(spans.fill([found], 5, 30, 26).numpy(), expected)


def test_two_hundred_and_fifty_five_shapes_may_cover_a_pixel():
    ones = np.ones([1, spans.LIMIT])
    points = np.full([1, spans.LIMIT, 2], 8.0)
    assert draw(points, points, 3.3 * ones, ones > 0, 16, 16).sum() == 37
