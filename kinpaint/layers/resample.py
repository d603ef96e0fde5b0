"""Nearest-neighbour resampling as TensorFlow 1 did it, and enlarging convolutions."""

from keras import ops


def nearest(x, factor):
    """[B, H, W, C] enlarged by repeating pixels."""
    return ops.repeat(ops.repeat(x, factor, axis=1), factor, axis=2)


def shrink_aligned(x, factor):
    """[B, H, W, C] to [B, H / factor, W / factor, C] by the align-corners rule.

    Picks index floor(i (n - 1) / (m - 1) + 1/2), in integers: halves go up. This is not
    every `factor`-th pixel: the corners stay in place.
    """
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        small = size // factor
        span = ops.maximum(small - 1, 1)
        index = (2 * ops.arange(small, dtype="int32") * (size - 1) + span) // (2 * span)
        x = ops.take(x, index, axis)
    return x


def shrink_strided(x, factor):
    """[B, H, W, C] to [B, H / factor, W / factor, C]: every `factor`-th pixel, from 0."""
    return x[:, ::factor, ::factor]


SHRINK = {"aligned": shrink_aligned, "strided": shrink_strided}


def doubling_kernel(kernel):
    """The transposed 4 x 4 kernel that does what a 3 x 3 one does after doubling.

    Repeating pixels twice and convolving (zero padding) reads each input pixel through
    sums of taps, so one transposed convolution of stride 2 gives the same numbers with
    4/9 of the multiply-adds.

    Args:
        kernel: [3, 3, C, F].

    Returns:
        [4, 4, F, C] for `ops.conv_transpose(x, ., strides=2, padding="same")`.
    """
    for axis in (0, 1):
        edge = [(0, 0)] * 4
        edge[axis] = (0, 1)
        shifted = [(0, 0)] * 4
        shifted[axis] = (1, 0)
        kernel = ops.pad(kernel, edge) + ops.pad(kernel, shifted)
    flipped = ops.flip(ops.flip(kernel, axis=0), axis=1)  # one axis at a time: OpenVINO
    return ops.transpose(flipped, (0, 1, 3, 2))
