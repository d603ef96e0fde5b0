"""The training patches nearest to a filling: does it paint, or does it remember?

A window of the hole is compared with every window of the training photos, and of their
mirror images, over the hole's pixels only. The distance is the share of the window's own
variation that the other does not explain: 0 for a copy, 1 for one no better than a flat
patch of the right colour. A filling that lies much nearer to a training patch than the true
picture does to its nearest was remembered.
"""

import dataclasses

import numpy as np

from pipelines.base.late import tf

NOISE = 4 / 255  # of the full range: variation below this counts as flat
_QUERIES = 64  # scored at once: memory does not grow with the number of pictures


@dataclasses.dataclass(frozen=True)
class Match:
    """A window's nearest training patch.

    Attributes:
        distance: see above; infinite before anything was searched.
        patch: float32 [p, p, 3] in [-1, 1], or None.
        place: (index of the photo, top, left, whether mirrored), or None.
    """

    distance: float = np.inf
    patch: np.ndarray | None = None
    place: tuple | None = None


def windows(shares, side, count):
    """Corners of the windows that hold most of the hole, overlapping by half at most.

    Args:
        shares: float [H, W], the share of hole in each pixel.
        side: of the windows, pixels; at most H and W.
        count: how many at most.

    Returns:
        A list of (top, left), the fullest first; empty where there is no hole.
    """
    step = max(side // 4, 1)
    rows, columns = (
        sorted({*range(0, length - side, step), length - side}) for length in shares.shape
    )
    corners = [
        (shares[top : top + side, left : left + side].sum(), top, left)
        for top in rows
        for left in columns
    ]
    chosen = []
    for total, top, left in sorted(corners, key=lambda corner: (-corner[0], *corner[1:])):
        overlaps = [
            max(0, side - abs(top - y)) * max(0, side - abs(left - x)) for y, x in chosen
        ]
        if total > 0 and all(overlap <= side * side / 2 for overlap in overlaps):
            chosen.append((top, left))
    return chosen[:count]


def search(patches, weights, batches):
    """The nearest training patch of each window.

    Args:
        patches: float [Q, p, p, 3] in [-1, 1].
        weights: float [Q, p, p], how much each pixel counts.
        batches: yields (indices, float32 [N, S, S, 3] in [-1, 1]) with S >= p.

    Returns:
        A list of Q `Match`.
    """
    patches, weights = (np.asarray(x, np.float32) for x in (patches, weights))
    best = [Match()] * len(patches)
    for indices, pictures in batches:
        for mirrored in (False, True):
            turned = pictures[:, :, ::-1] if mirrored else pictures
            for start in range(0, len(patches), _QUERIES):
                part = slice(start, start + _QUERIES)
                places = _nearest(patches[part], weights[part], turned)
                for query, (picture, top, left) in enumerate(places, start):
                    side = patches.shape[1]
                    found = turned[picture, top : top + side, left : left + side]
                    apart = distance(patches[query], found, weights[query])
                    if apart < best[query].distance:
                        place = int(indices[picture]), int(top), int(left), mirrored
                        best[query] = Match(apart, found.copy(), place)
    return best


def distance(patch, other, weights):
    """Distance of two patches [p, p, 3] in [-1, 1], relative to the first; see above."""
    patch, other, weights = (np.asarray(x, np.float64) for x in (patch, other, weights))
    weights = weights[..., None] / (3.0 * weights.sum())
    mean = 3.0 * (weights * patch).sum(axis=(0, 1))
    variation = (weights * (patch - mean) ** 2).sum() + (2.0 * NOISE) ** 2
    return float(np.sqrt((weights * (patch - other) ** 2).sum() / variation))


def _nearest(patches, weights, pictures):
    """(picture, top, left) of the least weighted squared difference of each window."""
    weighted = np.moveaxis(patches * weights[..., None], 0, -1)
    plane = np.moveaxis(weights, 0, -1)[:, :, None]
    squares = tf.reduce_sum(tf.square(pictures), axis=-1, keepdims=True)
    # |a - b|^2 without a's own share, which is the same everywhere.
    scores = tf.nn.conv2d(squares, plane, 1, "VALID") - 2.0 * tf.nn.conv2d(
        pictures, weighted, 1, "VALID"
    )
    shape = scores.shape[:3]
    best = tf.argmin(tf.reshape(scores, [-1, scores.shape[-1]]), axis=0)
    return np.stack(np.unravel_index(best.numpy(), shape), axis=1)
