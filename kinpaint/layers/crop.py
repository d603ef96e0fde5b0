"""A window around each sample's hole."""

from keras import ops


def hole_crop(image, mask, size):
    """Cuts a square around the middle of each sample's hole.

    The window stays inside the picture; where the picture is smaller, its last row or
    column is repeated. A sample without a hole gives its top left corner.

    Args:
        image: float32 [B, H, W, C].
        mask: float32 [B, H, W, 1], 1 = hole.
        size: pixels.

    Returns:
        [B, size, size, C].
    """
    # Products with one-hot rows copy values exactly and work with a window per sample.
    rows = _window(ops.max(mask[..., 0], axis=2), size)
    columns = _window(ops.max(mask[..., 0], axis=1), size)
    image = ops.einsum("brh,bhwc->brwc", rows, image)
    return ops.einsum("bsw,brwc->brsc", columns, image)


def _window(line, size):
    """One-hot [B, size, N] of the window around the middle of the ones of line [B, N]."""
    length = ops.shape(line)[1]
    position = ops.arange(length, dtype="int32")
    hole = line > 0.5
    last = ops.max(ops.where(hole, position, 0), axis=1)
    first = ops.minimum(ops.min(ops.where(hole, position, length), axis=1), last)
    start = ops.clip((first + last + 1 - size) // 2, 0, ops.maximum(length - size, 0))
    index = start[:, None] + ops.arange(size, dtype="int32")
    return ops.one_hot(ops.minimum(index, length - 1), length)
