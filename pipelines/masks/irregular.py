"""Blobs: smooth noise below a threshold."""

import numpy as np

from pipelines.base.late import tf

_NOISE = 15  # integers from -15 to 15
_STEPS = 512  # spline weights are multiples of 1/512: finer, and sums leave 24 bits


def irregular(draws, height, width, *, blob=0.25, level=(-1.3, 0.0)):
    """Irregular blobs with soft outlines.

    Noise on a coarse grid, and half as strong on one twice as fine, is smoothed by
    cubic B-splines. Noise and weights are small integers and multiples of 1/512,
    so every sum is exact whatever the order, on any device.

    Args:
        draws: `Draws`.
        height: picture height, a Python int.
        width: picture width, a Python int.
        blob: cell of the coarse grid as a share of the shorter side.
        level: threshold in standard deviations of the noise; -1.3 makes a tenth
            of the picture hole, 0 half of it.
    """
    cell = max(blob * min(height, width), 2.0)
    coarse, coarse_variance = _noise(draws, height, width, cell)
    fine, fine_variance = _noise(draws, height, width, cell / 2)
    field = 2 * coarse + fine
    deviation = (4 * coarse_variance + fine_variance) ** 0.5
    threshold = draws.uniform([], *level)

    def render(grow):
        limit = tf.cast((threshold + grow) * deviation, tf.float32)
        return tf.cast(field < limit[:, None, None, None], tf.float32)

    return render


def _noise(draws, height, width, cell):
    """Smoothed noise, float32 [B, height, width, 1], and its mean variance."""
    rows, columns = _spline(height, cell), _spline(width, cell)
    grid = [rows.shape[1], columns.shape[1]]
    noise = tf.cast(draws.integers(grid, -_NOISE, _NOISE), tf.float32)
    smooth = tf.einsum("hi,bij,wj->bhw", rows, noise, columns)[..., None]
    variance = _NOISE * (_NOISE + 1) / 3
    return smooth, variance * np.mean((rows**2).sum(1)) * np.mean((columns**2).sum(1))


def _spline(length, cell):
    """Cubic B-spline weights of grid points for pixels, float32 [length, points]."""
    at = (np.arange(length) + 0.5) / cell
    points = np.arange(-1, int(at[-1]) + 3)
    far = np.abs(at[:, None] - points)
    inner = 2 / 3 - far**2 + far**3 / 2
    outer = np.maximum(2 - far, 0) ** 3 / 6
    return (np.round(np.where(far < 1, inner, outer) * _STEPS) / _STEPS).astype(np.float32)
