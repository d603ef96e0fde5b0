"""Masks grow over what stands out beside them, and over nothing else."""

import cv2
import numpy as np
import pytest

from kinpaint.inpainting import halo
from pipelines.base.errors import UserError


def sky_with_wire(noise=0.0):
    """A flat sky, a wire 5 px wide with a pale rim of 3 px, and a mask of the wire alone."""
    rng = np.random.default_rng(0)
    image = np.full((200, 400, 3), (120, 160, 220), np.float32)
    image[94:105] = (150, 185, 235)  # the rim
    image[97:102] = (30, 30, 30)
    image += rng.normal(0, noise, image.shape)
    mask = np.zeros((200, 400), bool)
    mask[97:102] = True
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_it_covers_the_rim_and_little_more(noise):
    image, mask = sky_with_wire(noise)
    wide = halo.grown(image, mask, "auto")
    assert wide[94:105].all() and wide[mask].all()
    assert not wide[:90].any() and not wide[109:].any()


def test_over_texture_and_over_a_clean_edge_nothing_grows():
    rng = np.random.default_rng(0)
    mask = np.zeros((200, 400), bool)
    mask[97:102] = True
    texture = cv2.GaussianBlur(rng.integers(0, 256, (200, 400, 3), np.uint8), (0, 0), 2)
    assert (halo.grown(texture, mask, "auto") & ~mask).mean() < 0.005
    flat = np.full((200, 400, 3), 200, np.uint8)
    np.testing.assert_array_equal(halo.grown(flat, mask, "auto"), mask)


def test_a_number_grows_on_every_side_and_zero_does_nothing():
    image, mask = sky_with_wire()
    np.testing.assert_array_equal(halo.grown(image, mask, 0), mask)
    rows = np.flatnonzero(halo.grown(image, mask, "4").any(axis=1))
    assert (rows.min(), rows.max()) == (93, 105)


@pytest.mark.parametrize("grow", ["wide", -1, 2.5, 10_000, None])
def test_anything_else_is_refused(grow):
    image, mask = sky_with_wire()
    with pytest.raises(UserError, match="write auto, or pixels from 0 to 256"):
        halo.grown(image, mask, grow)
