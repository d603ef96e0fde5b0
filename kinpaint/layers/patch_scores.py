"""Scores of every query patch against every key patch, a block of query rows at a time.

Built from three linear facts that save most of the multiply-adds of the textbook form:
a 3 x 3 patch product is a product of columns of three pixels, added up over the three
columns along the diagonal of the (query, key) plane; the fuse of DeepFill's code is such a
diagonal sum too; so all that is left are one matrix product and sums of slices.

Planes are [B, query rows, query columns, key rows, key columns].
"""

from keras import ops

from kinpaint.layers.part import part

HALO = 3  # ring rows before and after a block that its fuse reads


class PatchScores:
    """The cosine-like scores of a small feature map against its own 3 x 3 patches.

    Queries keep their length and keys are divided by max(norm, 1e-4), as in the authors'
    code; zero outside the map.

    Args:
        small: float32 [B, h, w, C].
        fuse: whether to add up neighbours that move together, along rows, then columns.
    """

    def __init__(self, small, fuse=True):
        _, self.height, self.width, _ = ops.shape(small)
        self.fuse = fuse
        self.columns = _columns(small)
        squares = ops.sum(ops.square(self.columns), axis=-1)
        squares = sum(part(squares, {2: (i, self.width)}) for i in range(3))
        self.inverse_norms = ops.rsqrt(ops.maximum(squares, 1e-8))[:, None, None]
        # Rows in a ring with a zero row as its seam: what lies beyond the last row is zero,
        # and after it comes the first row, where the fuse by columns goes on.
        seam = ops.zeros_like(self.columns[:, :1])
        self.ring = ops.concatenate([self.columns, seam], axis=1)

    def block(self, start, rows):
        """Scores of the query rows [start, start + rows): [B, rows, w, h, w]."""
        ring_rows = ops.arange(rows + 2 * HALO, dtype="int32") + start - HALO
        queries = ops.take(self.ring, ring_rows % (self.height + 1), axis=1)
        scores = self._patch_scores(queries, rows + 2 * HALO)
        if not self.fuse:
            return part(scores, {1: (HALO, rows)})
        scores = self._fuse_rows(scores, rows + 2 * HALO)
        scores = self._order_by_columns(scores, start, rows)
        return sum(part(scores, {1: (i, rows), 3: (i, self.height)}) for i in range(3))

    def _patch_scores(self, queries, rows):
        """Products of columns of pixels, summed over three columns, over the keys' norm."""
        height, width = self.height, self.width
        channels = queries.shape[-1]
        product = ops.matmul(
            ops.reshape(queries, (-1, rows * (width + 2), channels)),
            ops.transpose(
                ops.reshape(self.columns, (-1, height * (width + 2), channels)), (0, 2, 1)
            ),
        )
        plane = ops.reshape(product, (-1, rows, width + 2, height, width + 2))
        total = sum(part(plane, {2: (i, width), 4: (i, width)}) for i in range(3))
        return total * self.inverse_norms

    def _fuse_rows(self, scores, rows):
        """s[i-1, j-1] + s[i, j] + s[i+1, j+1], running on over row ends as published.

        Gives all queries of the block but its first and last pixel: [B, rows * w - 2, L].
        """
        queries, keys = rows * self.width, self.height * self.width
        flat = ops.reshape(scores, (-1, queries, keys))
        flat = ops.pad(flat, ((0, 0), (0, 0), (1, 1)))
        return sum(part(flat, {1: (i, queries - 2), 2: (i, keys)}) for i in range(3))

    def _order_by_columns(self, fused, start, rows):
        """Adds, before and after, the row that is next when columns are read one by one.

        Above a column's top pixel comes the bottom one of the column to its left, and so
        on; nothing comes before the first and after the last. [B, rows + 2, w, h + 2, w].
        """
        height, width = self.height, self.width
        column = ops.arange(width, dtype="int32")
        first, last = start <= 0, start + rows >= height
        above = ops.where(first, (HALO - 2) * width - 2, (HALO - 1) * width - 1)
        below = ops.where(last, (rows + HALO + 1) * width, (rows + HALO) * width - 1)
        above_there = ops.logical_not(ops.logical_and(first, column == 0))
        below_there = ops.logical_not(ops.logical_and(last, column == width - 1))
        main = part(fused, {1: (HALO * width - 1, rows * width)})
        end = (rows + 2 * HALO) * width - 3
        pieces = [
            _rows_at(fused, ops.clip(above + column, 0, end), above_there),
            main,
            _rows_at(fused, ops.clip(below + column, 0, end), below_there),
        ]
        plane = ops.reshape(
            ops.concatenate(pieces, axis=1), (-1, rows + 2, width, height, width)
        )
        left = part(plane, {3: (height - 1, 1), 4: (0, width - 1)})
        left = ops.pad(left, _one_column(before=1))
        right = part(plane, {3: (0, 1), 4: (1, width - 1)})
        right = ops.pad(right, _one_column(after=1))
        return ops.concatenate([left, plane, right], axis=3)


def _rows_at(fused, index, there):
    return ops.take(fused, index, axis=1) * ops.cast(there, fused.dtype)[:, None]


def _one_column(before=0, after=0):
    return ((0, 0), (0, 0), (0, 0), (0, 0), (before, after))


def _columns(x):
    """Each pixel with the ones above and below it, a zero column on either side.

    [B, h, w, C] to [B, h, w + 2, 3 C].
    """
    height = ops.shape(x)[1]
    x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return ops.concatenate([part(x, {1: (i, height)}) for i in range(3)], axis=-1)
