"""Ranges, composites, and padding to a network's multiple.

Images are RGB in [B, H, W, 3]: uint8 at the edges, float32 in [-1, 1] inside
(`x / 127.5 - 1`). Masks are [B, H, W, 1] with 1 for the hole and 0 for what is known.
"""

from pipelines.base.late import Late

ops = Late("keras.ops")  # photographs and holes are found without it


def from_uint8(image):
    """uint8 [..., 3] to float32 in [-1, 1]."""
    return ops.cast(image, "float32") / 127.5 - 1.0


def to_uint8(image):
    """Float [..., 3] in [-1, 1] to uint8: rounded (never truncated) and clipped."""
    levels = (ops.cast(image, "float32") + 1.0) * 127.5
    return ops.cast(ops.clip(ops.round(levels), 0.0, 255.0), "uint8")


def composite(image, output, mask):
    """The known pixels of `image` and the hole of `output`, float32.

    Selected, not blended, so known pixels keep their value exactly and a NaN under the
    hole of `image` cannot reach the result.
    """
    image, output = ops.cast(image, "float32"), ops.cast(output, "float32")
    return ops.where(mask > 0.5, output, image)


def composite_uint8(image, output, mask):
    """uint8 `image` with its hole taken from float `output` in [-1, 1]; uint8.

    Known pixels come back bit for bit.
    """
    return ops.where(ops.cast(mask, "float32") > 0.5, to_uint8(output), image)


def pad_to_multiple(image, mask, multiple):
    """Reflects image and mask at the bottom and right up to a multiple.

    Indices are folded as often as needed, so any height and width of at least 1 will do;
    a padded pixel is known exactly where its source is. `unpad` undoes it.

    Args:
        image: [B, H, W, C].
        mask: [B, H, W, 1].
        multiple: pixels; heights and widths become multiples of it.

    Returns:
        Image and mask, [B, H', W', ...]; the same tensors if nothing is to be padded.
    """
    for axis in (1, 2):
        size = ops.shape(image)[axis]
        if isinstance(size, int) and size % multiple == 0:
            continue
        source = _reflected(size, -(-size // multiple) * multiple)
        image, mask = ops.take(image, source, axis), ops.take(mask, source, axis)
    return image, mask


def unpad(image, height, width):
    """The top left [B, height, width, C] of a padded image."""
    return image[:, :height, :width]


def _reflected(size, padded):
    """Source index in [0, size) of each of `padded` pixels: 0 1 2 1 0 1 ... for size 3."""
    period = ops.maximum(2 * (size - 1), 1)
    position = ops.arange(padded, dtype="int32") % period
    return ops.minimum(ops.minimum(position, period - position), size - 1)
