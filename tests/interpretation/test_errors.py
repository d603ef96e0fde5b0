"""Rings of error against a filling whose error is set by hand."""

import numpy as np
import pytest

from kinpaint.interpretation import errors
from kinpaint.metrics import quality


def test_rings_tell_each_rings_own_error():
    truth = np.full((20, 20, 3), 100, "uint8")
    hole = np.zeros((20, 20), bool)
    hole[4:16, 4:16] = True
    completed = truth.copy()
    completed[6:14, 6:14] = 110  # from the third pixel of depth on
    rings = errors.rings(truth, completed, hole)
    assert [ring["to_px"] for ring in rings] == [1, 2, 4, 8]
    assert [ring["pixels"] for ring in rings] == [44, 36, 48, 16]
    assert [ring["psnr"] for ring in rings[:2]] == [None, None]
    for ring in rings[2:]:
        assert ring["psnr"] == pytest.approx(20 * np.log10(255 / 10))


def test_psnr_is_the_metrics():
    rng = np.random.default_rng(0)
    truth, completed = rng.integers(0, 256, (2, 1, 8, 8, 3)).astype("uint8")
    hole = rng.random((1, 8, 8, 1)) < 0.5
    squared = np.square((completed / 255 - truth / 255)[0][hole[0, ..., 0]]).mean()
    pair = [np.float32(one / 255) for one in (completed, truth)]
    expected = float(quality.psnr_hole(*pair, hole.astype("float32"))[0])
    assert errors.psnr(squared) == pytest.approx(expected, rel=1e-5)
