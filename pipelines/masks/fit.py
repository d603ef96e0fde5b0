"""Holes of a wanted share: every family grows and shrinks along one scale.

A family's `render(grow)` draws nested masks: larger `grow`, larger hole; 0 is
the natural mask. Masks outside the wanted range are grown or shrunk by bisection
to a share drawn uniformly from it; the last pixels come, in raster order, from
the difference of the two masks that enclose the target, so the count is exact.
"""

from pipelines.base.late import tf

_REACH = 6.0  # what 2^6 times the size does not reach, the raster order fills
_STEPS = 6
_ROUNDING = 1e-6  # pixels: 0.07 * 100 is a little more than 7


def natural(draws, render, height, width):
    """The masks as the family draws them, but never empty and never full."""
    mask = render(tf.zeros([draws.batch], tf.float64))
    total = tf.cast(height * width, tf.float32)
    pixel = draws.integers([1, 1, 1], 0, height * width - 1)
    count = _count(mask)[:, None, None, None]
    empty, full = count == 0, (count == total) & (total > 1)

    def repaired():
        here = tf.reshape(tf.range(height * width), [1, height, width, 1]) == pixel
        return tf.where(here & full, 0.0, tf.where(here & empty, 1.0, mask))

    return tf.cond(tf.reduce_any(empty | full), repaired, lambda: mask)


def within(draws, render, height, width, hole):
    """The masks with a share of hole in `hole` = (least, most).

    Where no number of pixels lies in the range, the next larger one; never no
    pixel, and never all unless there is only one.
    """
    total = tf.cast(height * width, tf.float64)
    last = tf.maximum(total - 1, 1)
    least = tf.clip_by_value(tf.math.ceil(hole[0] * total - _ROUNDING), 1, last)
    most = tf.clip_by_value(tf.floor(hole[1] * total + _ROUNDING), least, last)
    target = tf.cast(tf.floor(least + (most - least + 1) * draws.uniform([])), tf.float32)
    mask = render(tf.zeros([draws.batch], tf.float64))
    count = _count(mask)
    fits = (count >= tf.cast(least, tf.float32)) & (count <= tf.cast(most, tf.float32))
    sized = tf.cond(
        tf.reduce_all(fits), lambda: mask, lambda: _sized(render, count > target, target)
    )
    return tf.where(fits[:, None, None, None], mask, sized)


def _sized(render, large, target):
    """Masks of exactly `target` pixels, float32 [B]; `large`: the natural ones have more."""
    zero = tf.zeros_like(target, tf.float64)
    low, high = tf.where(large, zero - _REACH, zero), tf.where(large, zero, zero + _REACH)

    def step(low, high):
        middle = (low + high) / 2
        more = _count(render(middle)) > target
        return tf.where(more, low, middle), tf.where(more, middle, high)

    low, high = tf.while_loop(
        lambda *_: True, step, (low, high), maximum_iterations=_STEPS, parallel_iterations=1
    )
    inner, outer = render(low), render(high)
    inner = tf.where((low > -_REACH)[:, None, None, None], inner, 0.0)
    outer = tf.where((high < _REACH)[:, None, None, None], outer, 1.0)
    return inner + _first_pixels(outer - inner, target - _count(inner))


def _first_pixels(mask, number):
    """The first `number` pixels of masks in raster order."""
    rows = tf.reduce_sum(mask, axis=[2, 3])
    done = tf.cumsum(rows, axis=1) <= number[:, None]
    split = tf.reduce_sum(tf.cast(done, tf.int32), axis=1)
    split = tf.minimum(split, tf.shape(mask)[1] - 1)
    line = tf.gather(mask, split, batch_dims=1)
    left = number - tf.reduce_sum(tf.where(done, rows, 0.0), axis=1)
    line *= tf.cast(tf.cumsum(line, axis=1) <= left[:, None, None], tf.float32)
    here = tf.range(tf.shape(mask)[1]) == split[:, None]
    partial = tf.where(here[..., None, None], line[:, None], 0.0)
    return tf.where(done[..., None, None], mask, partial)


def _count(mask):
    return tf.reduce_sum(mask, axis=[1, 2, 3])
