"""Contextual attention: rebuild features from the picture's own known patches.

Yu et al. 2018, "Generative Image Inpainting with Contextual Attention", section 4.1, in the
form of DeepFill v2's code: 3 x 3 patches of the halved features are compared, 4 x 4 patches
of the features are pasted. Each sample has its own mask; all is batched matrix products and
slices, in float32 up to the softmax.
"""

import keras
from keras import ops

from kinpaint.layers.part import part
from kinpaint.layers.patch_scores import PatchScores
from kinpaint.layers.resample import SHRINK

BLOCK_ELEMENTS = 1 << 24  # scores held at once: query rows are done in blocks beyond


@keras.saving.register_keras_serializable("kinpaint.layers")
class ContextualAttention(keras.layers.Layer):
    """Copies 4 x 4 feature patches from known places, weighted by how well they match.

    Two settings. `published=True` is the authors' rule to the letter: a masked key scores 0
    and still weighs in the softmax, and pasted patches are divided by 4 even at the border,
    where fewer overlap. `published=False` takes masked keys out of the softmax and divides
    by the true overlap. In both, a sample without a usable key gives zeros.

    Args:
        softmax_scale: factor of the scores before the softmax (10, as published).
        fuse: whether scores are summed along neighbours that move together.
        published: the authors' rule, see above.
        sampling: which pixels are compared: "aligned", as published, or "strided", every
            second one (`layers.resample`).
    """

    def __init__(
        self, softmax_scale=10.0, fuse=True, published=True, sampling="aligned", **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        # === Config ===
        self.softmax_scale = softmax_scale
        self.fuse = fuse
        self.published = published
        self.sampling = sampling

    def call(self, features, mask, return_attention=False):
        """Rebuilds every position from known ones.

        Args:
            features: [B, H, W, C] with even H and W.
            mask: [B, H, W, 1], 1 = hole.
            return_attention: whether to give the weights and the flow too.

        Returns:
            [B, H, W, C]; with `return_attention` a tuple of it, the weights
            [B, h, w, h * w] over the halved map's places (h = H / 2, w = W / 2) and the
            flow int32 [B, h, w, 2]: rows and columns from each place to its best match.
        """
        shrink = SHRINK[self.sampling]
        small = shrink(ops.cast(features, "float32"), 2)
        usable = _usable(shrink(ops.cast(mask, "float32"), 2))
        scores = PatchScores(small, self.fuse)
        sources = _sources(ops.cast(features, self.compute_dtype))

        def block(start, rows):
            weights = self._weights(scores.block(start, rows), usable)
            pasted = _paste(ops.cast(weights, self.compute_dtype), sources)
            return (pasted, weights) if return_attention else (pasted,)

        results = _in_blocks(block, ops.shape(small))
        rebuilt = _overlap(results[0]) / self._overlaps(scores.height, scores.width)
        if not return_attention:
            return rebuilt
        return rebuilt, _merge_keys(results[1]), _flow(results[1])

    def _weights(self, scores, usable):
        """Attention weights [B, rows, w, h, w] of scores of that shape."""
        _, rows, width, height, _ = ops.shape(scores)
        if self.published:
            scores = scores * (self.softmax_scale * usable)
        else:
            scores = ops.where(usable > 0.0, self.softmax_scale * scores, -1e9)
        weights = ops.softmax(_merge_keys(scores), axis=-1)
        return ops.reshape(weights, (-1, rows, width, height, width)) * usable

    def _overlaps(self, height, width):
        """How many patches lie over each pixel: 4, or [1, 2 h, 2 w, 1] with true borders."""
        if self.published:
            return 4.0
        row, column = ops.arange(2 * height), ops.arange(2 * width)
        rows = 2 - ops.cast((row == 0) | (row == 2 * height - 1), "int32")
        columns = 2 - ops.cast((column == 0) | (column == 2 * width - 1), "int32")
        return ops.cast(rows[:, None] * columns, self.compute_dtype)[None, :, :, None]

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "softmax_scale": self.softmax_scale,
            "fuse": self.fuse,
            "published": self.published,
            "sampling": self.sampling,
        }


def _usable(mask):
    """1 where the 3 x 3 window of a halved mask is wholly known: [B, 1, 1, h, w]."""
    _, height, width, _ = ops.shape(mask)
    mask = ops.pad(mask[..., 0], ((0, 0), (1, 1), (1, 1)))
    rows = sum(mask[:, i : i + height] for i in range(3))
    window = sum(rows[:, :, i : i + width] for i in range(3))
    return ops.cast(window == 0.0, "float32")[:, None, None]


def _in_blocks(block, small_shape):
    """`block(start, rows)` over all query rows, so that memory grows with L, not L^2."""
    batch, height, width, _ = small_shape
    static = all(isinstance(size, int) for size in (batch, height, width))
    least, most = (max, min) if static else (ops.maximum, ops.minimum)
    rows = most(least(BLOCK_ELEMENTS // (batch * width * height * width), 1), height)
    if static and rows == height:
        return block(0, height)
    count = (height + rows - 1) // rows
    # The last block ends at the last row; rows it shares with the one before are dropped.
    starts = ops.minimum(ops.arange(count, dtype="int32") * rows, height - rows)
    parts = ops.map(lambda start: block(start, rows), starts)
    row = ops.arange(height, dtype="int32")
    row = ops.where(row < (count - 1) * rows, row, row + count * rows - height)
    return [_joined(part, row) for part in parts]


def _joined(part, row):
    """[blocks, B, rows, ...] to [B, h, ...]."""
    part = ops.moveaxis(part, 0, 1)
    shape = ops.shape(part)
    part = ops.reshape(part, (shape[0], shape[1] * shape[2], *shape[3:]))
    return ops.take(part, row, axis=1)


def _sources(features):
    """What a key pastes at columns 2 x and 2 x + 1: four rows from 2 y - 1 on.

    [B, 2 h, 2 w, C] to two [B, h * w, 4 C].
    """
    _, height, width, channels = ops.shape(features)
    height, width = height // 2, width // 2
    pairs = ops.reshape(features, (-1, height, 2, width, 2, channels))
    sources = []
    for column in ops.split(pairs, 2, axis=4):
        even, odd = (
            ops.reshape(row, (-1, height, width, channels))
            for row in ops.split(column, 2, axis=2)
        )
        rows = [_moved_rows(odd, 1), even, odd, _moved_rows(even, -1)]
        source = ops.concatenate(rows, axis=-1)
        sources.append(ops.reshape(source, (-1, height * width, 4 * channels)))
    return sources


def _moved_rows(x, by):
    """[B, H, ...] moved down by one row (`by=1`) or up (`by=-1`); zeros come in."""
    kept = part(x, {1: (max(-by, 0), ops.shape(x)[1] - 1)})
    margins = [(0, 0), (max(by, 0), max(-by, 0))] + [(0, 0)] * (len(x.shape) - 2)
    return ops.pad(kept, margins)


def _paste(weights, sources):
    """The weighted patches of a block: [B, rows, w, 2 columns, 4 rows * C].

    A pixel's column is covered by two neighbouring queries, and what the neighbour pastes
    there is what its own key's neighbour holds; so the weights are added along the diagonal.
    """
    _, rows, width, height, _ = ops.shape(weights)
    padded = ops.pad(weights, ((0, 0), (0, 0), (1, 1), (0, 0), (1, 1)))
    pasted = []
    for phase, source in enumerate(sources):
        both = weights + part(padded, {2: (2 * phase, width), 4: (2 * phase, width)})
        both = ops.reshape(both, (-1, rows * width, height * width))
        product = ops.matmul(both, source)
        pasted.append(ops.reshape(product, (-1, rows, width, source.shape[-1])))
    return ops.stack(pasted, axis=3)


def _overlap(pasted):
    """Adds patches of four rows at distance two: [B, h, w, 2, 4 C] to [B, 2 h, 2 w, C]."""
    _, height, width, _, channels = ops.shape(pasted)
    rows = ops.split(ops.reshape(pasted, (-1, height, 2 * width, channels)), 4, axis=-1)
    even = rows[1] + _moved_rows(rows[3], 1)
    odd = rows[2] + _moved_rows(rows[0], -1)
    both = ops.stack([even, odd], axis=2)
    return ops.reshape(both, (-1, 2 * height, 2 * width, channels // 4))


def _merge_keys(plane):
    """[B, rows, w, h, w] to [B, rows, w, h * w]."""
    _, rows, width, height, _ = ops.shape(plane)
    return ops.reshape(plane, (-1, rows, width, height * width))


def _flow(weights):
    """Rows and columns from each place to the key it weighs most: int32 [B, h, w, 2]."""
    _, height, width, _, _ = ops.shape(weights)
    best = ops.cast(ops.argmax(_merge_keys(weights), axis=-1), "int32")
    rows = best // width - ops.arange(height, dtype="int32")[:, None]
    columns = best % width - ops.arange(width, dtype="int32")
    return ops.stack([rows, columns], axis=-1)
