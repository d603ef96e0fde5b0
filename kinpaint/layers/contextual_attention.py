"""Contextual attention: rebuild features from the picture's own known patches.

Yu et al. 2018, "Generative Image Inpainting with Contextual Attention", section 4.1, in the
form of DeepFill v2's code. The 3 x 3 patch scores are nine shifted copies of one
pixel-to-pixel product, added along its diagonals; the 4 x 4 paste is one product with 2 x 2
patches after the same trick on the weights.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint")
class ContextualAttention(keras.layers.Layer):
    """Copies 4 x 4 feature patches from known places, weighted by how well they match.

    Args:
        softmax_scale: factor of the scores before the softmax (10, as published).
        fuse: whether scores are summed along neighbours that move together.
    """

    def __init__(self, softmax_scale=10.0, fuse=True, **kwargs):
        super().__init__(**kwargs)
        # === Config ===
        self.softmax_scale = softmax_scale
        self.fuse = fuse

    def call(self, features, mask):
        """[B, H, W, C] and mask [B, H, W, 1] of the same even size to [B, H, W, C]."""
        pasted = ops.cast(features, "float32")
        small, small_mask = _halve(pasted), _halve(ops.cast(mask, "float32"))
        _, height, width, _ = ops.shape(small)
        size = height * width
        keys = _patches(small)
        norms = ops.sqrt(ops.sum(ops.square(keys), axis=-1, keepdims=True))
        scores = ops.matmul(keys, _swap(keys / ops.maximum(norms, 1e-4)))
        if self.fuse:
            scores = _diagonal_sum(scores)
            scores = _swap_order(scores, height, width)
            scores = _diagonal_sum(scores)
            scores = _swap_order(scores, width, height)
        usable = ops.cast(ops.sum(_patches(small_mask), axis=-1) == 0.0, "float32")[:, None]
        weights = ops.softmax(self.softmax_scale * scores * usable, axis=-1) * usable
        return ops.cast(_paste(weights, pasted, height, width, size), self.compute_dtype)

    def get_config(self):
        """Constructor arguments."""
        config = {"softmax_scale": self.softmax_scale, "fuse": self.fuse}
        return {**super().get_config(), **config}


def _swap(x):
    return ops.transpose(x, (0, 2, 1))


def _halve(x):
    """Every second pixel by the align-corners rule: index floor(i (n-1)/(m-1) + 1/2)."""
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        half = (size + 1) // 2
        span = ops.maximum(half - 1, 1)
        index = (2 * ops.arange(half, dtype="int32") * (size - 1) + span) // (2 * span)
        x = ops.take(x, index, axis)
    return x


def _patches(x):
    """[B, H, W, C] to its 3 x 3 windows, zero outside: [B, H * W, 9 C]."""
    _, height, width, channels = ops.shape(x)
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return ops.reshape(ops.concatenate(windows, axis=-1), (-1, height * width, 9 * channels))


def _diagonal_sum(x):
    """x[i-1, j-1] + x[i, j] + x[i+1, j+1] of [B, L, L], zero outside."""
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1)))
    return x[:, :-2, :-2] + x[:, 1:-1, 1:-1] + x[:, 2:, 2:]


def _swap_order(x, height, width):
    """Row-major to column-major order of both queries and keys."""
    size = height * width
    x = ops.reshape(x, (-1, height, width, height, width))
    return ops.reshape(ops.transpose(x, (0, 2, 1, 4, 3)), (-1, size, size))


def _paste(weights, features, height, width, size):
    """Each query's weighted 4 x 4 patch, overlapping at stride 2, over 4."""
    channels = features.shape[-1]
    padded = ops.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = 2 * height, 2 * width
    pieces = [
        ops.reshape(padded[:, i : i + rows : 2, j : j + columns : 2], (-1, size, channels))
        for i in range(4)
        for j in range(4)
    ]
    pasted = ops.matmul(weights, ops.concatenate(pieces, axis=-1))
    pasted = ops.reshape(pasted, (-1, height, width, 4, 4, channels))
    canvas = 0.0
    for i in range(2):
        for j in range(2):
            block = pasted[:, :, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            block = ops.reshape(
                ops.transpose(block, (0, 1, 3, 2, 4, 5)), (-1, rows, columns, channels)
            )
            canvas += ops.pad(block, ((0, 0), (2 * i, 2 - 2 * i), (2 * j, 2 - 2 * j), (0, 0)))
    return canvas[:, 1:-1, 1:-1] / 4.0
