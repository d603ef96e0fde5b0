"""Drawing shapes exactly, without touching a pixel twice.

A capsule (a thick segment with round ends) is convex: each pixel column meets it
in one interval, known in closed form. So a batch of shapes becomes a list of
column intervals: +1 where one starts, -1 behind its end, and a running sum down
the columns counts how many shapes cover each pixel. Eight columns' counts share
one int64, a byte each, which makes the sum eight times shorter.
"""

import typing

from pipelines.base.late import tf

LIMIT = 255  # shapes that may overlap in one pixel: counts are bytes
_LANES = 8


class Spans(typing.NamedTuple):
    """Intervals of pixel columns: rows `start` to `stop - 1` of column `x`, int32 [P]."""

    sample: "tf.Tensor"
    x: "tf.Tensor"
    start: "tf.Tensor"
    stop: "tf.Tensor"


def capsules(begin, end, radius, alive, height, width):
    """The columns of thick segments.

    Args:
        begin: float64 [B, S, 2], first point as (x, y); pixel i has its centre at i.
        end: float64 [B, S, 2].
        radius: float64 [B, S].
        alive: bool [B, S], which segments are drawn.
        height: picture height.
        width: picture width.

    Returns:
        `Spans` of all pixels no farther than `radius` from the segment.
    """
    swap = (begin[..., 0] > end[..., 0])[..., None]
    begin, end = tf.where(swap, end, begin), tf.where(swap, begin, end)
    # One tf.where: XLA miscounts when the result of one feeds another.
    columns = tf.range(width, dtype=tf.float64)
    met = (columns >= (begin[..., 0] - radius)[..., None]) & (
        columns <= (end[..., 0] + radius)[..., None]
    )
    where = tf.cast(tf.where(met & alive[..., None]), tf.int32)
    shapes = tf.concat([begin, end - begin, radius[..., None]], axis=-1)
    x0, y0, dx, dy, r = tf.unstack(tf.gather_nd(shapes, where[:, :2]), axis=-1)
    x = tf.cast(where[:, 2], tf.float64) - x0
    length = tf.maximum(tf.sqrt(dx * dx + dy * dy), 1e-30)
    bottom = _edge(x, dx, dy, r, -dy / length, 1.0)
    top = _edge(x, dx, dy, r, dy / length, -1.0)
    start = tf.cast(tf.clip_by_value(tf.math.ceil(y0 + top), 0.0, height), tf.int32)
    stop = tf.cast(tf.clip_by_value(tf.floor(y0 + bottom) + 1, 0.0, height), tf.int32)
    return Spans(where[:, 0], where[:, 2], start, stop)


def _edge(x, dx, dy, r, normal, side):
    """Where column `x` leaves the capsule on one side, relative to its first point.

    The disc that reaches farthest there is centred at the axis point whose
    outward normal, times r, ends in the column.
    """
    t = tf.clip_by_value((x - r * normal) / tf.maximum(dx, 1e-30), 0.0, 1.0)
    return t * dy + side * tf.sqrt(tf.maximum(r * r - (x - t * dx) ** 2, 0.0))


def boxes(left, top, right, bottom, alive, height, width):
    """The columns of rectangles [left, right) x [top, bottom), int32 [B, S] each."""
    columns = tf.range(width)
    met = (columns >= left[..., None]) & (columns < right[..., None]) & alive[..., None]
    where = tf.cast(tf.where(met), tf.int32)
    sides = tf.clip_by_value(tf.stack([top, tf.maximum(top, bottom)], -1), 0, height)
    start, stop = tf.unstack(tf.gather_nd(sides, where[:, :2]), axis=-1)
    return Spans(where[:, 0], where[:, 2], start, stop)


def fill(spans, batch, height, width):
    """Draws a list of `Spans` as a mask, float32 [batch, height, width, 1]."""
    spans = Spans(*(tf.concat(parts, axis=0) for parts in zip(*spans, strict=True)))
    groups = -(-width // _LANES)
    one = tf.bitwise.left_shift(
        tf.constant(1, tf.int64), tf.cast(spans.x % _LANES, tf.int64) * 8
    )
    column = spans.sample * (height + 1) * groups + spans.x // _LANES
    changes = tf.math.unsorted_segment_sum(
        tf.concat([one, -one], 0),
        tf.concat([column + spans.start * groups, column + spans.stop * groups], 0),
        batch * (height + 1) * groups,
    )
    changes = tf.reshape(changes, [batch, height + 1, groups])
    counts = tf.bitcast(tf.cumsum(changes, axis=1)[:, :height], tf.uint8)
    counts = tf.reshape(counts, [batch, height, groups * _LANES, 1])
    return tf.cast(counts[:, :, :width] > 0, tf.float32)
