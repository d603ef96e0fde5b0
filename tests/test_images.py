"""Ranges, composites and padding."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from kinpaint import images


def test_uint8_comes_back_bit_for_bit():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1).repeat(3, -1)
    there = images.from_uint8(levels)
    assert (float(np.min(there)), float(np.max(there))) == (-1.0, 1.0)
    np.testing.assert_array_equal(images.to_uint8(there), levels)


def test_to_uint8_rounds_and_clips():
    values = np.array([-3.0, -1.0, 0.6 / 127.5 - 1, 0.4 / 127.5 - 1, 1.0, 9.0], "float32")
    np.testing.assert_array_equal(images.to_uint8(values), [0, 0, 1, 0, 255, 255])


def test_composites_keep_known_pixels_exactly():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (2, 5, 4, 3), dtype="uint8")
    mask = (rng.uniform(size=(2, 5, 4, 1)) > 0.5).astype("float32")
    output = rng.uniform(-1, 1, image.shape).astype("float32")
    filled = np.asarray(images.composite_uint8(image, output, mask))
    hole = np.broadcast_to(mask > 0.5, image.shape)
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    np.testing.assert_array_equal(filled[hole], np.asarray(images.to_uint8(output))[hole])
    known = np.where(hole, np.nan, output)
    assert np.isfinite(images.composite(known, output, mask)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 17))
def test_padding_reflects_as_often_as_needed(height, width, multiple):
    rng = np.random.default_rng(height * 100 + width)
    image = rng.uniform(-1, 1, (1, height, width, 3)).astype("float32")
    mask = (rng.uniform(size=(1, height, width, 1)) > 0.5).astype("float32")
    padded, padded_mask = (np.asarray(x) for x in images.pad_to_multiple(image, mask, multiple))
    extra = (-height % multiple, -width % multiple)
    pads = ((0, 0), (0, extra[0]), (0, extra[1]), (0, 0))
    np.testing.assert_array_equal(padded, np.pad(image, pads, "reflect"))
    np.testing.assert_array_equal(padded_mask, np.pad(mask, pads, "reflect"))
    np.testing.assert_array_equal(images.unpad(padded, height, width), image)


@pytest.mark.parametrize("height, width", [(1, 1), (8, 16), (5, 7)])
def test_padding_in_a_graph_of_unknown_sizes(height, width):
    image = np.random.default_rng(0).uniform(size=(1, height, width, 3)).astype("float32")
    mask = np.ones((1, height, width, 1), "float32")
    traced = tf.function(
        lambda x, m: images.pad_to_multiple(x, m, 8),
        input_signature=[
            tf.TensorSpec((None, None, None, 3)),
            tf.TensorSpec((None, None, None, 1)),
        ],
    )
    for a, b in zip(traced(image, mask), images.pad_to_multiple(image, mask, 8), strict=True):
        np.testing.assert_array_equal(a, b)
