"""The classical fill."""

import numpy as np
import pytest
import tensorflow as tf

from kinpaint.layers.crop import hole_crop
from kinpaint.layers.pull_push import pull_push


def _hole(height, width):
    mask = np.zeros((1, height, width, 1), "float32")
    mask[:, height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 1.0
    return mask


def _fill(image, mask, **settings):
    return np.asarray(pull_push(image * (1 - mask), mask, **settings))


@pytest.mark.parametrize("height, width", [(1, 1), (3, 9), (32, 32), (45, 70)])
def test_known_pixels_stay_and_a_constant_is_continued(height, width):
    rng = np.random.default_rng(0)
    image, mask = (
        rng.uniform(-1, 1, (1, height, width, 3)).astype("float32"),
        _hole(height, width),
    )
    filled = _fill(image, mask)
    known = np.broadcast_to(mask == 0, image.shape)
    np.testing.assert_array_equal(filled[known], image[known])
    np.testing.assert_allclose(_fill(np.full_like(image, 0.3), mask), 0.3, atol=1e-5)


def test_a_ramp_is_nearly_continued():
    ramp = np.linspace(-1, 1, 64, dtype="float32")[None, None, :, None] * np.ones(
        (1, 64, 64, 3)
    )
    mask = _hole(64, 64)
    error = np.abs(_fill(ramp.astype("float32"), mask) - ramp).max()
    mean_fill = np.abs(ramp * mask).max()
    assert error < 0.2 * mean_fill


def test_it_stays_within_the_range_of_what_is_known():
    image = np.random.default_rng(1).uniform(-1, 1, (2, 40, 40, 3)).astype("float32")
    mask = np.repeat(_hole(40, 40), 2, 0)
    assert np.abs(_fill(image, mask)).max() <= 1.0 + 1e-6


def test_nothing_known_gives_zero():
    assert not _fill(
        np.zeros((1, 16, 16, 3), "float32"), np.ones((1, 16, 16, 1), "float32")
    ).any()


def test_unknown_sizes_give_the_same():
    image = np.random.default_rng(1).uniform(-1, 1, (1, 21, 34, 3)).astype("float32")
    mask = _hole(21, 34)
    signature = [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, None, None, 1))]
    traced = tf.function(pull_push, input_signature=signature)
    np.testing.assert_allclose(traced(image * (1 - mask), mask), _fill(image, mask), atol=1e-6)


def test_the_crop_is_centred_on_each_hole_and_stays_inside():
    image = np.arange(2 * 10 * 12, dtype="float32").reshape(2, 10, 12, 1)
    mask = np.zeros((2, 10, 12, 1), "float32")
    mask[0, 4:6, 5:7] = 1.0
    mask[1, 9:, 11:] = 1.0
    crops = np.asarray(hole_crop(image, mask, 4))
    np.testing.assert_array_equal(crops[0], image[0, 3:7, 4:8])
    np.testing.assert_array_equal(crops[1], image[1, 6:10, 8:12])


def test_the_crop_of_a_small_picture_repeats_its_border():
    image = np.arange(6, dtype="float32").reshape(1, 2, 3, 1)
    crop = np.asarray(hole_crop(image, np.ones((1, 2, 3, 1), "float32"), 4))[0, ..., 0]
    np.testing.assert_array_equal(crop, np.pad(image[0, ..., 0], ((0, 2), (0, 1)), "edge"))
