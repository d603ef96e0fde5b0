"""Holes of a wanted share: every family grows and shrinks along one scale.

A family's `render(grow)` draws nested masks: larger `grow`, larger hole; 0 is
the natural mask. Masks outside the wanted range are grown or shrunk by bisection
to a share drawn uniformly from it; the last pixels come from the difference
of the two masks that enclose the target, so the count is exact.
"""

import tensorflow as tf

_REACH = 10.0  # grow beyond 2^10 or below 2^-10 is full or empty
_STEPS = 9


def natural(draws, render, height, width):
    """The masks as the family draws them, but never empty and never full."""
    mask = render(tf.zeros([draws.batch], tf.float64))
    count = tf.reduce_sum(mask, axis=[1, 2, 3], keepdims=True)
    total = tf.cast(height * width, tf.float32)
    pixel = draws.integers([1, 1], 0, height * width - 1)[..., None]
    here = tf.reshape(tf.range(height * width), [1, height, width, 1]) == pixel
    filled = tf.where(here & (count == 0), 1.0, mask)
    return tf.where(here & (count == total) & (total > 1), 0.0, filled)


def within(draws, render, height, width, hole):
    """The masks with a share of hole in `hole` = (least, most)."""
    total = height * width
    least = tf.math.ceil(hole[0] * tf.cast(total, tf.float64))
    most = tf.floor(hole[1] * tf.cast(total, tf.float64))
    least = tf.clip_by_value(least, 1, tf.cast(tf.maximum(total - 1, 1), tf.float64))
    most = tf.clip_by_value(most, least, tf.cast(tf.maximum(total - 1, 1), tf.float64))
    target = tf.cast(tf.floor(least + (most - least + 1) * draws.uniform([])), tf.float32)
    mask = render(tf.zeros([draws.batch], tf.float64))
    count = tf.reduce_sum(mask, axis=[1, 2, 3])
    fits = (count >= tf.cast(least, tf.float32)) & (count <= tf.cast(most, tf.float32))
    sized = tf.cond(tf.reduce_all(fits), lambda: mask, lambda: _sized(render, mask, target))
    return tf.where(fits[:, None, None, None], mask, sized)


def _sized(render, mask, target):
    """Masks of exactly `target` pixels, float32 [B]."""
    low = tf.fill(tf.shape(target), tf.constant(-_REACH, tf.float64))
    inner, outer = tf.zeros_like(mask), tf.ones_like(mask)

    def step(low, high, inner, outer):
        middle = (low + high) / 2
        mask = render(middle)
        large = tf.reduce_sum(mask, axis=[1, 2, 3]) > target
        wide = large[:, None, None, None]
        return (
            tf.where(large, low, middle),
            tf.where(large, middle, high),
            tf.where(wide, inner, mask),
            tf.where(wide, mask, outer),
        )

    state = (low, -low, inner, outer)
    *_, inner, outer = tf.while_loop(
        lambda *_: True, step, state, maximum_iterations=_STEPS, parallel_iterations=1
    )
    ring = tf.reshape(outer * (1 - inner), [tf.shape(mask)[0], -1])
    need = target - tf.reduce_sum(inner, axis=[1, 2, 3])
    taken = ring * tf.cast(tf.cumsum(ring, axis=1) <= need[:, None], tf.float32)
    return inner + tf.reshape(taken, tf.shape(mask))
