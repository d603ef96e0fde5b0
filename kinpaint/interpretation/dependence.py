"""Which known pixels a filling depends on: by hiding them, and by the gradient.

Occlusion (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks",
section 4.2), with a difference that inpainting offers: a hidden block is declared hole, so
that nothing foreign is put into the picture and "unknown" is what the model takes it to be.
"""

import numpy as np
from scipy import stats

from kinpaint import images
from kinpaint.evaluation.difficulty import distance_to_known
from pipelines import cli
from pipelines.base.late import tf

_PIXELS = 1 << 16  # differentiated at once


def occlusion(complete, image, hole, side, batch_size):
    """How the filling changes when a block of known pixels is declared hole.

    Args:
        complete: (uint8 [N, H, W, 3], bool [N, H, W, 1]) -> uint8 [N, H, W, 3].
        image: uint8 [H, W, 3].
        hole: bool [H, W].
        side: of the blocks, pixels; those at the right and the bottom may be smaller.
        batch_size: pictures completed at once.

    Returns:
        float64 [ceil(H / side), ceil(W / side)]: mean absolute change inside `hole`, in
        units of the full range; NaN where nothing is known.
    """
    filled = _fill(complete, image, hole[None])[0]
    changes = np.full([-(-length // side) for length in hole.shape], np.nan)
    blocks = [tuple(b) for b in np.argwhere(block_sums(~hole, side) > 0)]
    for start in cli.progress(range(0, len(blocks), batch_size), desc="occlusion"):
        batch = blocks[start : start + batch_size]
        holes = np.repeat(hole[None], len(batch), axis=0)
        for wider, (row, column) in zip(holes, batch, strict=True):
            wider[row * side : (row + 1) * side, column * side : (column + 1) * side] = True
        change = np.abs(_fill(complete, image, holes) - filled)[:, hole]
        changes[tuple(np.transpose(batch))] = change.mean(axis=(1, 2)) / 255.0
    return changes


def gradient(network, image, hole, probes=8, seed=0):
    """The norm of the filling's derivative by each known pixel.

    For signs v drawn at random, E (J^T v)^2 is the squared norm of each column of the
    Jacobian J (Hutchinson 1990); the root of the mean over a few v estimates the norm.

    Args:
        network: the generator.
        image: uint8 [H, W, 3].
        hole: bool [H, W].
        probes: how many v.
        seed: of the signs.

    Returns:
        float64 [H, W], over the three channels; 0 in the hole.
    """
    mask = hole[None, ..., None].astype(np.float32)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (probes, *image.shape)) * mask
    squares = np.zeros(hole.shape)
    parts = min(-(-probes * hole.size // _PIXELS), probes)
    for part in np.array_split(signs, parts):
        copies = tf.repeat(images.from_uint8(image[None]), len(part), axis=0)
        with tf.GradientTape() as tape:
            tape.watch(copies)
            masks = tf.repeat(mask, len(part), axis=0)
            output = network({"image": copies, "mask": masks})["output"]
            total = tf.reduce_sum(output * tf.cast(part, tf.float32))
        slopes = tape.gradient(total, copies, unconnected_gradients="zero")
        squares += np.square(np.asarray(slopes, np.float64)).sum(axis=(0, -1))
    return np.sqrt(squares / probes) * ~hole


def block_sums(values, side):
    """Sums of [H, W] over blocks of `side` pixels, [ceil(H / side), ceil(W / side)]."""
    pad = [(0, -length % side) for length in values.shape]
    padded = np.pad(np.asarray(values, np.float64), pad)
    rows, columns = (length // side for length in padded.shape)
    return padded.reshape(rows, side, columns, side).sum(axis=(1, 3))


def spread(changes, hole, side):
    """A value a block as values of its known pixels, in equal parts: float64 [H, W]."""
    each = np.nan_to_num(changes) / np.maximum(block_sums(~hole, side), 1)
    height, width = hole.shape
    return np.kron(each, np.ones((side, side)))[:height, :width] * ~hole


def radius(values, hole, share=0.9):
    """Distance in pixels from the hole within which `share` of the values' sum lies.

    None where there is nothing to share out.
    """
    known = ~hole
    if not hole.any() or not values[known].sum() > 0:
        return None
    distances = distance_to_hole(hole)[known]
    order = np.argsort(distances, kind="stable")
    reached = np.cumsum(values[known][order]) >= share * values[known].sum() * (1 - 1e-9)
    return float(distances[order][reached.argmax()])


def by_distance(values, hole):
    """Share of the values' sum within each distance of the hole: two float [n] to plot."""
    distances = distance_to_hole(hole)[~hole]
    order = np.argsort(distances, kind="stable")
    return distances[order], np.cumsum(values[~hole][order]) / values[~hole].sum()


def agreement(changes, slopes, hole, side):
    """Spearman's rank correlation of both methods over the blocks; None if undefined."""
    inside = ~np.isnan(changes)
    pair = changes[inside], block_sums(slopes * ~hole, side)[inside]
    if len(pair[0]) < 3 or any(np.ptp(one) == 0 for one in pair):
        return None
    return float(stats.spearmanr(*pair).statistic)


def distance_to_hole(hole):
    """Distance in pixels of each known pixel to the nearest of the hole, float32 [H, W]."""
    return distance_to_known(~hole[..., None])


def _fill(complete, image, holes):
    """Fillings float32 [N, H, W, 3] of one picture under many holes."""
    holes = holes[..., None]
    return complete(np.where(holes, np.uint8(0), image[None]), holes).astype(np.float32)
