"""Free-form strokes: chains of thick segments with round joints, as brushes paint.

`strokes` is the brush of DeepFill v2 (Yu et al., ICCV 2019, algorithm 1 of the
supplement). The authors' code adds a 128 px rectangle to it (here:
`rectangles`), drops its random flips by mistake, always walks to the right, and
swaps height and width; here every stroke has a random heading and the flips
happen, which leaves the share of the hole as published.

`lama` is the generator of LaMa (Suvorov et al., WACV 2022), strokes or boxes,
with its presets `thin`, `medium`, `thick` and the training mix `mixed`.

Both publish absolute lengths for 256 px. They scale with the shorter side here;
`reference=0` keeps them absolute, another value is the side they hold for.
"""

import functools
import math

import tensorflow as tf

from pipelines.base.errors import UserError
from pipelines.masks import boxes, spans

_DEEPFILL_ANGLE, _DEEPFILL_ANGLE_RANGE = 2 * math.pi / 5, 2 * math.pi / 15
_LAMA_HEADINGS = 4  # 0.01, 1.01, 2.01, 3.01 rad: the authors draw an integer
_LAMA_SEGMENTS = 5


def scale(height, width, reference):
    """What a length published for `reference` px is multiplied by."""
    shorter = tf.cast(tf.minimum(height, width), tf.float64)
    return shorter / reference if reference else tf.ones([], tf.float64)


def chain(start, steps, height, width):
    """Vertices of strokes that stop at the frame.

    Args:
        start: float64 [B, S, 2].
        steps: float64 [B, S, V, 2], moves from vertex to vertex.
        height: picture height.
        width: picture width.

    Returns:
        The segments' begins and ends, float64 [B, S * V, 2] each.
    """
    low = tf.constant([-0.5, -0.5], tf.float64)
    high = tf.cast(tf.stack([width, height]), tf.float64) - 0.5
    points = [start]
    for step in tf.unstack(steps, axis=2):
        points.append(tf.clip_by_value(points[-1] + step, low, high))
    count = steps.shape[1] * steps.shape[2]
    begin = tf.reshape(tf.stack(points[:-1], axis=2), [-1, count, 2])
    end = tf.reshape(tf.stack(points[1:], axis=2), [-1, count, 2])
    return begin, end


def _starts(draws, count, height, width):
    high = tf.cast(tf.stack([width, height]), tf.float64)
    return draws.uniform([count, 2]) * high - 0.5


def _first(number, count):
    """Bool [..., count]: the first `number` of `count`."""
    return tf.range(count) < number[..., None]


def _check(name, most):
    if most > spans.LIMIT:
        raise UserError(f"{name}: at most {spans.LIMIT} segments a mask, not {most}")


def strokes(
    draws,
    height,
    width,
    *,
    count=(1, 3),
    vertices=(4, 11),
    thickness=(11.5, 39.5),
    reference=256,
):
    """DeepFill v2's brush.

    Args:
        draws: `Draws`.
        height: picture height.
        width: picture width.
        count: strokes a mask, least and most.
        vertices: segments a stroke, least and most.
        thickness: pixels at `reference`, least and most.
        reference: the shorter side `thickness` holds for; 0: absolute pixels.
    """
    most, longest = count[1], vertices[1]
    _check("strokes", most * longest)
    diagonal = tf.sqrt(tf.cast(height * height + width * width, tf.float64))
    mean = diagonal / 8
    length = mean + mean / 2 * draws.normal([most, longest])
    length = tf.clip_by_value(length, 0.0, 2 * mean)
    below, above = tf.unstack(draws.uniform([most, 1, 2]) * _DEEPFILL_ANGLE_RANGE, axis=-1)
    turn = _DEEPFILL_ANGLE - below + (below + above) * draws.uniform([most, longest])
    sign = tf.constant([(-1.0) ** (k + 1) for k in range(longest)], tf.float64)
    flip = 1.0 - 2.0 * tf.cast(draws.integers([most, 1], 0, 1), tf.float64)
    angle = draws.uniform([most, 1], 0.0, 2 * math.pi) + flip * sign * turn
    steps = length[..., None] * tf.stack([tf.cos(angle), tf.sin(angle)], axis=-1)
    begin, end = chain(_starts(draws, most, height, width), steps, height, width)
    alive = _first(draws.integers([], *count), most)[..., None]
    alive &= _first(draws.integers([most], *vertices), longest)
    radius = draws.uniform([most, 1], *thickness) * scale(height, width, reference) / 2
    radius = tf.reshape(tf.repeat(radius, longest, axis=-1), [-1, most * longest])
    alive = tf.reshape(alive, [-1, most * longest])

    def render(grow):
        grown = radius * 2.0 ** grow[:, None]
        drawn = spans.capsules(begin, end, grown, alive, height, width)
        return spans.fill([drawn], draws.batch, height, width)

    return render


def lama(
    draws,
    height,
    width,
    *,
    count=(1, 5),
    thickness=(5.0, 105.0),
    length=(10.0, 210.0),
    box_share=0.5,
    box_count=(1, 4),
    box_size=(30.0, 150.0),
    margin=10.0,
    reference=256,
):
    """LaMa's generator: strokes of changing width, or boxes.

    Args:
        draws: `Draws`.
        height: picture height.
        width: picture width.
        count: strokes a mask, least and most; like the authors' code, one more
            than their configuration files say is possible.
        thickness: pixels at `reference`, least and most, new for each segment.
        length: pixels at `reference`, least and most.
        box_share: share of the masks that are boxes instead.
        box_count: boxes a mask, least and most.
        box_size: sides of the boxes, least and most, pixels at `reference`.
        margin: pixels at `reference` between the boxes and the frame.
        reference: the shorter side the lengths hold for; 0: absolute pixels.
    """
    most = count[1] + 1
    total = most * _LAMA_SEGMENTS
    _check("lama", total)
    unit = scale(height, width, reference)
    heading = 0.01 + tf.cast(
        draws.integers([most, _LAMA_SEGMENTS], 0, _LAMA_HEADINGS - 1), tf.float64
    )
    mirror = tf.constant([-1.0, 1.0] * most, tf.float64)[:most, None]
    steps = unit * draws.uniform([most, _LAMA_SEGMENTS], *length)
    steps = steps[..., None] * tf.stack([mirror * tf.sin(heading), tf.cos(heading)], axis=-1)
    begin, end = chain(_starts(draws, most, height, width), steps, height, width)
    alive = _first(draws.integers([], count[0], most), most)[..., None]
    alive &= _first(draws.integers([most], 1, _LAMA_SEGMENTS), _LAMA_SEGMENTS)
    radius = unit * draws.uniform([total], *thickness) / 2
    boxed = draws.uniform([]) < box_share
    alive = tf.reshape(alive, [-1, total]) & ~boxed[:, None]
    sides = unit * draws.uniform([box_count[1], 2], *box_size)
    frame, edge = boxes.extent(height, width), margin * unit
    centre, sides = boxes.place(draws, sides, frame, edge)
    boxes_alive = tf.range(box_count[1]) < draws.integers([1], *box_count)
    boxes_alive &= boxed[:, None]

    def render(grow):
        grown = radius * 2.0 ** grow[:, None]
        stroked = spans.capsules(begin, end, grown, alive, height, width)
        boxy = boxes.fitted(centre, sides, grow, edge, boxes_alive, height, width)
        return spans.fill([stroked, boxy], draws.batch, height, width)

    return render


# OpenCV, which the authors draw with, makes thin lines about one pixel thicker than asked.
_TEST_BOXES = 0.3 / 1.3  # strokes have weight 1, boxes 0.3

thin = functools.partial(
    lama, count=(4, 50), thickness=(5.6, 15.6), length=(10.0, 50.0), box_share=0.0
)
medium = functools.partial(
    lama,
    count=(4, 5),
    thickness=(5.0, 55.0),
    length=(10.0, 110.0),
    box_share=_TEST_BOXES,
    box_count=(1, 5),
    box_size=(10.0, 50.0),
    margin=0.0,
)
thick = functools.partial(lama, box_share=_TEST_BOXES, box_count=(1, 3))
mixed = lama
