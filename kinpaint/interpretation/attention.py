"""Contextual attention read out: where the hole was copied from, and how surely.

All is computed from the weights [h, w, h * w] and the flow [h, w, 2] that
`probe` hears; Yu et al. 2018, "Generative Image Inpainting with Contextual Attention",
section 4.1.
"""

import numpy as np


def masses(weights, shares):
    """Where the weight of the hole's places goes, a mean over the hole's area.

    Args:
        weights: float [h, w, h * w].
        shares: float [h, w], the share of hole in each place, not all zero.

    Returns:
        A dict: `known` and `hole`, the mass on known pixels and on the hole itself;
        `lost`, what the published rule's softmax gives to masked places and then drops;
        `matched`, the share of the hole that has any weight at all (no place has where no
        key is wholly known); `sources`, over how many places a matched one's weight
        spreads, the exponential of its entropy, or None.
    """
    keys = weights.reshape(-1, shares.size)
    area = shares.ravel() / shares.sum()
    hole = float(area @ (keys @ shares.ravel()))
    total = float(area @ keys.sum(axis=1))
    area = area * (keys.sum(axis=1) > 0)
    share = keys / np.maximum(keys.sum(axis=1, keepdims=True), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)
    matched = float(area.sum())
    return {
        "known": total - hole,
        "hole": hole,
        "lost": 1.0 - total,
        "matched": matched,
        "sources": float(area @ np.exp(entropy)) / matched if matched else None,
    }


def copied(picture, wanted, hole, moves):
    """What the hole would be if each pixel were copied from its place's best match.

    Args:
        picture: uint8 [H, W, 3].
        wanted: bool [H, W], the pixels of the hole that have a match.
        hole: bool [H, W].
        moves: int [H, W, 2], rows and columns in pixels from each pixel to its source.

    Returns:
        uint8 [H, W, 3], and bool [H, W]: the wanted pixels whose source is a known pixel;
        the others are left as they are.
    """
    height, width = hole.shape
    rows, columns = np.moveaxis(moves, -1, 0) + np.indices(hole.shape)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    had = wanted & inside & ~hole[rows, columns]
    return np.where(had[..., None], picture[rows, columns], picture), had


def examples(shares, count):
    """A few places of the hole, each as far as can be from those before it.

    Args:
        shares: float [h, w], the share of hole in each place.
        count: how many at most.

    Returns:
        A list of (row, column), the first in the depth of the hole; empty without one.
    """
    places = np.argwhere((shares > 0) & (shares >= min(0.5, shares.max())))
    if not len(places):
        return []
    middle = places.mean(axis=0)
    chosen = [places[((places - middle) ** 2).sum(axis=1).argmin()]]
    while len(chosen) < min(count, len(places)):
        gaps = ((places[:, None] - np.array(chosen)) ** 2).sum(axis=-1).min(axis=1)
        chosen.append(places[gaps.argmax()])
    return [tuple(int(x) for x in place) for place in chosen]
