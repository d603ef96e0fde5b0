"""Squares cut from photos: at random for training, from the centre for scoring.

A source opens photo `i` and cuts windows out of it: `Files` reads and decodes only
the window each time; `Memory` keeps all photos decoded, shrunk as far as the
smallest crop allows.
"""

import numpy as np

from pipelines import decode, records
from pipelines.base.late import tf


class Files:
    """Photos on disk or in shards; of a JPEG only the wanted window is decoded."""

    def __init__(self, paths):
        self._paths = tf.constant(paths)

    def open(self, index):
        """What `cut` needs, and the photo's stored size, int32 [2]."""
        data = records.read(self._paths[index])
        return data, decode.stored_size(data)

    def cut(self, data, top, left, side):
        """The square, upright, uint8 [side, side, 3]; placed in the stored picture."""
        square = decode.decode_window(data, tf.stack([top, left, side, side]))
        return decode.upright(square, decode.stored_orientation(data))


class Memory:
    """Photos kept decoded, their shorter side at most `side` pixels (0: as they are)."""

    def __init__(self, paths, side):
        pictures = tf.data.Dataset.from_tensor_slices(paths).map(
            lambda path: shrunk(decode.decode(records.read(path)), side),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        pictures = list(pictures.as_numpy_iterator())
        self._sizes = tf.constant([p.shape[:2] for p in pictures], tf.int32)
        self._starts = tf.constant(np.cumsum([0] + [p.size for p in pictures]), tf.int64)
        self._pixels = tf.constant(np.concatenate([p.ravel() for p in pictures]))

    def open(self, index):
        """What `cut` needs, and the photo's size, int32 [2]."""
        return index, self._sizes[index]

    def cut(self, index, top, left, side):
        """The square, uint8 [side, side, 3]."""
        pixels = self._pixels[self._starts[index] : self._starts[index + 1]]
        picture = tf.reshape(pixels, tf.concat([self._sizes[index], [3]], 0))
        return tf.slice(picture, [top, left, 0], [side, side, 3])


def random_square(source, index, draws, size, keep):
    """A random square of photo `index`, mirrored half of the time.

    Args:
        source: `Files` or `Memory`.
        index: int64 scalar.
        draws: `Draws` of this one element.
        size: side of the result, pixels.
        keep: a crop's side is drawn between this share of the photo's shorter
            side and all of it, but is at least `size` where the photo allows;
            0: `size` pixels as they are, as DeepFill and LaMa crop.

    Returns:
        uint8 [size, size, 3].
    """
    photo, extent = source.open(index)
    shorter = tf.reduce_min(extent)
    chance, *place, mirror = tf.unstack(draws.uniform([4])[0])
    least = tf.minimum(shorter, size)
    if keep:
        share = keep + (1 - keep) * chance
        least = tf.maximum(least, _floor(share * tf.cast(shorter + 1, tf.float64)))
    side = tf.minimum(least, shorter)
    room = tf.cast(extent - side + 1, tf.float64)
    top, left = (_floor(way * room[axis]) for axis, way in enumerate(place))
    square = resize(source.cut(photo, top, left, side), size)
    return tf.cond(mirror < 0.5, lambda: square, lambda: tf.reverse(square, [1]))


def centre_square(source, index, size):
    """The centred square of photo `index`, resized, uint8 [size, size, 3]."""
    photo, extent = source.open(index)
    side = tf.reduce_min(extent)
    top, left = tf.unstack((extent - side) // 2)
    return resize(source.cut(photo, top, left, side), size)


def resize(square, size):
    """A square picture resized with an antialiased triangle filter and rounded."""

    def resized():
        scaled = tf.image.resize(square, [size, size], antialias=True)
        return tf.cast(tf.round(scaled), tf.uint8)

    result = tf.cond(tf.shape(square)[0] == size, lambda: square, resized)
    return tf.ensure_shape(result, [size, size, 3])


def shrunk(image, side):
    """[H, W, C] with its shorter side at most `side` pixels (0: as it is); never enlarged."""
    extent = tf.shape(image)[:2]
    shorter = tf.reduce_min(extent)
    if not side:
        return image
    target = tf.maximum(extent * side // shorter, 1)
    return tf.cond(
        shorter <= side,
        lambda: image,
        lambda: tf.cast(tf.round(tf.image.resize(image, target, antialias=True)), tf.uint8),
    )


def _floor(value):
    return tf.cast(tf.floor(value), tf.int32)
