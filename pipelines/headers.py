"""How large a picture says it is: read from its header, in the graph, decoding nothing.

A few bytes can declare billions of pixels, so a size is looked at before any memory
is taken for it.
"""

import numpy as np

from pipelines.base.late import tf
from pipelines.listing import MAX_PIXELS

_HEAD = 32  # bytes that are looked at
_LOW, _HIGH = (
    (0, 8, 16, 24),
    (24, 16, 8, 0),
)  # bits a byte is shifted by: lowest byte first, last

# What a file starts with (dots: any byte), where height and width stand, the bits their bytes
# are shifted by, and the bits (first, count) of each that count, and what is added.
_FORMATS = (
    (b"\x89PNG\r\n\x1a\n", (20, 16), _HIGH, ((0, 32), (0, 32)), 0),
    (b"GIF8", (8, 6), _LOW[:2], ((0, 16), (0, 16)), 0),
    (b"BM", (22, 18), _LOW, ((0, 32), (0, 32)), 0),
    (b"RIFF....WEBPVP8 ", (28, 26), _LOW[:2], ((0, 14), (0, 14)), 0),
    (b"RIFF....WEBPVP8L", (21, 21), _LOW, ((14, 14), (0, 14)), 1),
    (b"RIFF....WEBPVP8X", (27, 24), _LOW[:3], ((0, 24), (0, 24)), 1),
)
_BMP = 2


def bounded(data):
    """The same picture file, string scalar; nothing larger passes.

    Raises:
        tf.errors.InvalidArgumentError: not a picture, or one that declares more than
            `MAX_PIXELS` pixels.
    """
    most = tf.constant(MAX_PIXELS, tf.int64)
    said = f"a picture of more than {MAX_PIXELS // 10**6} megapixels"
    declared = tf.reduce_prod(size(data))
    with tf.control_dependencies([tf.debugging.assert_less_equal(declared, most, said)]):
        return tf.identity(data)


def size(data):
    """Height and width that a picture file declares as stored, int64 [2].

    Raises:
        tf.errors.InvalidArgumentError: no JPEG, PNG, GIF, BMP or WebP, or a damaged JPEG.
    """
    return tf.cond(
        tf.io.is_jpeg(data),
        lambda: tf.cast(tf.image.extract_jpeg_shape(data)[:2], tf.int64),
        lambda: _of_others(data),
    )


def _of_others(data):
    head = tf.io.decode_raw(tf.strings.substr(data, 0, _HEAD), tf.uint8)
    head = tf.cast(tf.pad(head, [[0, _HEAD - tf.size(head)]]), tf.int64)
    fits = tf.reduce_all(head * _MATTERS == _STARTS, axis=1)
    known = tf.debugging.Assert(tf.reduce_any(fits), ["neither JPEG, PNG, GIF, BMP nor WebP"])
    with tf.control_dependencies([known]):
        numbers = tf.reduce_sum(tf.gather(head, _PLACES) * _WEIGHTS, axis=-1)
    numbers = numbers // _FIRST % _COUNT + _ADDED
    # The rows of a BMP go upwards, or downwards where its height is negative.
    downwards = _IS_BMP & (numbers >= 2**31)
    return tf.boolean_mask(tf.where(downwards, 2**32 - numbers, numbers), fits)[0]


def _table():
    """The formats as arrays, one row each, so that a size takes a dozen operations."""
    count = len(_FORMATS)
    starts, matters = np.zeros((2, count, _HEAD), np.int64)
    places, weights = np.zeros((count, 2, 4), np.int32), np.zeros((count, 2, 4), np.int64)
    first, counts = np.zeros((2, count, 2), np.int64)
    added = np.zeros((count, 1), np.int64)
    for row, (start, where, shifts, bits, more) in enumerate(_FORMATS):
        for place, byte in enumerate(start):
            matters[row, place] = byte != ord(".")
            starts[row, place] = byte * matters[row, place]
        for side in (0, 1):
            places[row, side, : len(shifts)] = where[side] + np.arange(len(shifts))
            weights[row, side, : len(shifts)] = [1 << shift for shift in shifts]
            first[row, side], counts[row, side] = (1 << number for number in bits[side])
        added[row] = more
    return starts, matters, places, weights, first, counts, added


_STARTS, _MATTERS, _PLACES, _WEIGHTS, _FIRST, _COUNT, _ADDED = _table()
_IS_BMP = (np.arange(len(_FORMATS)) == _BMP)[:, None]
