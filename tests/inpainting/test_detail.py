"""Detail has the energy of its surroundings, is the same each time, and stays in the hole."""

import cv2
import numpy as np
import pytest

from kinpaint.inpainting import detail


def textured(height, width, seed=0):
    """Smooth colours with grain of several widths, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    base = np.dstack([rows * 0.2 + 60, columns * 0.2 + 60, 128 + 0 * rows])
    grain = (
        rng.normal(0, 14, (height, width, 1))
        + cv2.GaussianBlur(rng.normal(0, 60, (height, width, 1)), (0, 0), 1.6)[..., None]
    )
    return np.clip(base + grain, 0, 255).astype(np.uint8)


def smoothed(image, mask):
    """The picture with its hole blurred, as a network without detail would leave it."""
    return np.where(mask[..., None], cv2.GaussianBlur(image, (0, 0), 6), image)


def octaves(image, mask, count=3):
    """Energy in the hole over that of the known pixels, per octave, by OpenCV alone."""
    ratios, x, hole = [], image.astype(np.float32).mean(-1), mask.astype(np.float32)
    for _ in range(count):
        coarse = cv2.pyrDown(x)
        squares = (x - cv2.pyrUp(coarse, dstsize=x.shape[::-1])) ** 2
        ratios.append(squares[hole > 0.99].mean() / squares[hole < 0.01].mean())
        x, hole = coarse, cv2.pyrDown(hole)
    return np.array(ratios)


def disc(shape, centre, radius):
    return cv2.circle(np.zeros(shape, np.uint8), centre, radius, 1, -1) > 0


@pytest.mark.parametrize("radius", [20, 60])
def test_a_smooth_filling_gets_the_energy_of_its_surroundings(radius):
    image, mask = textured(300, 340), disc((300, 340), (170, 150), radius)
    soft = smoothed(image, mask)
    before, after = octaves(soft, mask), octaves(detail.restore(soft, mask), mask)
    assert (before[:2] < 0.3).all()
    # Two octaves coarser a patch sees too little of a deep hole's rim to find its like.
    assert ((after[:2] > 0.6) & (after[:2] < 1.4)).all(), after
    assert after[2] > 5 * before[2]


def test_known_pixels_are_exact_and_the_result_is_the_same_each_time():
    image, mask = textured(280, 300), disc((280, 300), (40, 260), 50)  # over the border
    soft = smoothed(image, mask)
    first, second = detail.restore(soft, mask), detail.restore(soft, mask)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[~mask], image[~mask])
    assert not np.array_equal(first[mask], soft[mask])


def test_a_flat_sky_stays_flat():
    rows = np.mgrid[0:260, 0:260][0]
    image = np.dstack([rows * 0.1 + 90, rows * 0.1 + 140, rows * 0 + 220]).astype(np.uint8)
    mask = disc((260, 260), (130, 130), 45)
    change = detail.restore(image, mask).astype(int) - image
    assert np.abs(change).max() <= 2


def test_what_the_filling_has_already_is_not_added_again():
    image, mask = textured(260, 260), disc((260, 260), (130, 130), 45)
    after = octaves(detail.restore(image, mask), mask)  # the true picture, nothing missing
    assert (after < 1.35).all(), after


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (40, 40), (300, 9)])
def test_any_size_and_any_hole(size):
    image, mask = textured(*size), np.zeros(size, bool)
    np.testing.assert_array_equal(detail.restore(image, mask), image)
    mask[:] = True
    assert detail.restore(image, mask).shape == image.shape
    mask[0] = False
    assert detail.restore(image, mask).shape == image.shape


def test_a_hole_wider_than_a_piece_is_treated_whole():
    mask = np.zeros((900, 1000), bool)
    mask[150:760, 200:820] = True
    covered = np.zeros(mask.shape, int)
    for window in detail.plan(mask):
        covered[window.box.slices] += window.pixels
        assert not mask[window.box.slices].all()
    np.testing.assert_array_equal(covered, mask)
