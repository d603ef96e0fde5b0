"""Holes with straight sides: the centred square, placed rectangles, missing borders."""

import tensorflow as tf

from pipelines.base.errors import UserError
from pipelines.masks import spans

SIDES = ("left", "top", "right", "bottom")


def center(draws, height, width, *, size=0.5):
    """One centred square.

    Args:
        draws: `Draws`; nothing is drawn.
        height: picture height.
        width: picture width.
        size: its side as a share of the shorter side.
    """
    frame = extent(height, width)
    side = tf.fill([draws.batch, 1, 2], size * tf.reduce_min(frame))
    alive = tf.ones([draws.batch, 1], tf.bool)

    def render(grow):
        drawn = fitted(frame / 2, side, grow, 0.0, alive, height, width)
        return spans.fill([drawn], draws.batch, height, width)

    return render


def rectangles(
    draws,
    height,
    width,
    *,
    count=(1, 4),
    size=(0.15, 0.5),
    aspect=(0.5, 2.0),
    location=(0.0, 1.0),
    margin=0.0,
):
    """Rectangles of random size, shape and place.

    Args:
        draws: `Draws`.
        height: picture height.
        width: picture width.
        count: rectangles a mask, least and most.
        size: square root of a rectangle's area as a share of the shorter side.
        aspect: width divided by height, uniform in its logarithm.
        location: how far along its free way a rectangle may lie, 0 at the left
            or top, 1 at the right or bottom.
        margin: share of the shorter side that stays known along the frame.
    """
    if aspect[0] <= 0:
        raise UserError(f"rectangles: aspect={aspect} must be above 0")
    frame, most = extent(height, width), count[1]
    side = draws.uniform([most, 1], *size) * tf.reduce_min(frame)
    low, high = tf.unstack(tf.math.log(tf.constant(aspect, tf.float64)))
    root = tf.exp(draws.uniform([most, 1], low, high) / 2)
    sides = side * tf.concat([root, 1 / root], axis=-1)
    edge = margin * tf.reduce_min(frame)
    centre, sides = place(draws, sides, frame, edge, location)
    alive = tf.range(most) < draws.integers([1], *count)

    def render(grow):
        drawn = fitted(centre, sides, grow, edge, alive, height, width)
        return spans.fill([drawn], draws.batch, height, width)

    return render


def outpaint(draws, height, width, *, sides="any", band=(0.04, 0.25)):
    """Missing borders; the defaults are LaMa's (Suvorov et al., WACV 2022, code).

    Args:
        draws: `Draws`.
        height: picture height.
        width: picture width.
        sides: "any" for a random choice of at least one, "all", or one of
            left, top, right, bottom.
        band: thickness as a share of the height or width it takes away.
    """
    if sides not in ("any", "all", *SIDES):
        raise UserError(f"outpaint: sides is any, all, {', '.join(SIDES)}, not {sides!r}")
    frame = extent(height, width)
    chosen = tf.fill([draws.batch, 1], 1 << SIDES.index(sides) if sides in SIDES else 15)
    if sides == "any":
        chosen = draws.integers([1], 1, 15)
    alive = tf.bitwise.bitwise_and(chosen, [1 << k for k in range(len(SIDES))]) > 0
    bands = draws.uniform([len(SIDES)], *band) * tf.tile(frame, [2])

    def render(grow):
        left, top, right, bottom = tf.unstack(tf.round(bands * 2.0 ** grow[:, None]), axis=-1)
        none, (wide, high) = tf.zeros_like(left), [left * 0 + end for end in tf.unstack(frame)]
        corners = [
            [none, none, wide - right, none],
            [none, none, none, high - bottom],
            [left, wide, wide, wide],
            [high, top, high, high],
        ]
        corners = [tf.cast(tf.stack(corner, -1), tf.int32) for corner in corners]
        drawn = spans.boxes(*corners, alive, height, width)
        return spans.fill([drawn], draws.batch, height, width)

    return render


def place(draws, sides, frame, margin, location=(0.0, 1.0)):
    """Centres of boxes inside the frame, and their sides cut to fit; [B, N, 2] as (x, y)."""
    room = tf.maximum(frame - 2 * margin, 1.0)
    sides = tf.minimum(sides, room)
    way = draws.uniform([sides.shape[1], 2], *location)
    return margin + sides / 2 + way * (room - sides), sides


def fitted(centre, sides, grow, margin, alive, height, width):
    """`Spans` of boxes grown about their centres, kept inside the margin."""
    half, frame = sides / 2 * 2.0 ** grow[:, None, None], extent(height, width)
    low = tf.round(tf.maximum(centre - half, margin))
    high = tf.round(tf.minimum(centre + half, frame - margin))
    corners = tf.cast(tf.concat([low, high], axis=-1), tf.int32)
    return spans.boxes(*tf.unstack(corners, axis=-1), alive, height, width)


def extent(height, width):
    """The frame's (width, height), float64 [2]."""
    return tf.cast(tf.stack([width, height]), tf.float64)
