"""The textbook forms, in float64 NumPy, that the layers' faster forms must equal."""

import numpy as np


def aligned_index(size, factor):
    """Nearest-neighbour source rows by the align-corners rule, halves going up."""
    small = size // factor
    if small == 1:
        return np.zeros(1, int)
    return np.floor(np.arange(small) * (size - 1) / (small - 1) + 0.5).astype(int)


def shrink(x, factor):
    """[H, W, C] by that rule."""
    return x[aligned_index(x.shape[0], factor)][:, aligned_index(x.shape[1], factor)]


def windows(x, size, stride, before, after):
    """All windows of zero-padded [H, W, C], in reading order: [N, size, size, C]."""
    x = np.pad(x, ((before, after), (before, after), (0, 0)))
    rows = range(0, x.shape[0] - size + 1, stride)
    columns = range(0, x.shape[1] - size + 1, stride)
    return np.stack([x[i : i + size, j : j + size] for i in rows for j in columns])


def fuse(scores):
    """A 3 x 3 identity kernel over the plane of queries and keys."""
    size = len(scores)
    padded = np.pad(scores, 1)
    return sum(padded[i : i + size, i : i + size] for i in range(3))


def column_order(scores, height, width):
    """Queries and keys read row by row to column by column."""
    scores = scores.reshape(height, width, height, width)
    return scores.transpose(1, 0, 3, 2).reshape(height * width, height * width)


def attention(features, mask, scale=10.0, fused=True):
    """DeepFill v2's contextual attention of one sample, step by step as published.

    Args:
        features: [H, W, C], even sides.
        mask: [H, W, 1], 1 = hole.
        scale: of the softmax.
        fused: whether scores are fused.

    Returns:
        The rebuilt features [H, W, C] and the weights [L, L].
    """
    features, mask = features.astype("float64"), mask.astype("float64")
    small = shrink(features, 2)
    height, width, channels = small.shape
    patches = windows(small, 3, 1, 1, 1).reshape(height * width, -1)
    norms = np.maximum(np.sqrt((patches**2).sum(1)), 1e-4)
    scores = patches @ (patches / norms[:, None]).T
    if fused:
        scores = column_order(fuse(scores), height, width)
        scores = column_order(fuse(scores), width, height)
    usable = windows(shrink(mask, 2), 3, 1, 1, 1).mean((1, 2, 3)) == 0.0
    weights = scale * scores * usable
    weights = np.exp(weights - weights.max(1, keepdims=True))
    weights = weights / weights.sum(1, keepdims=True) * usable
    pasted = weights @ windows(features, 4, 2, 1, 1).reshape(height * width, -1)
    pasted = pasted.reshape(height, width, 4, 4, channels)
    canvas = np.zeros((2 * height + 2, 2 * width + 2, channels))
    for y in range(height):
        for x in range(width):
            canvas[2 * y : 2 * y + 4, 2 * x : 2 * x + 4] += pasted[y, x]
    return canvas[1:-1, 1:-1] / 4.0, weights
