"""Encoded pictures to upright RGB arrays, in the graph.

TensorFlow reads JPEG (grey and CMYK too), PNG (palette, grey, 16 bit), GIF, BMP and
WebP, but no EXIF orientation; that is read here from the JPEG's bytes. JPEGs
are decoded with the accurate integer DCT, so arrays equal Pillow's.
"""

from pipelines import headers
from pipelines.base.late import tf

_HEADER = 1 << 16  # the Exif segment comes first, and is shorter than this
_DCT = "INTEGER_ACCURATE"
_JFIF, _TABLES = b"\xff\xd8\xff\xe0\x00\x10", b"\xff\xdb"  # 20 bytes, then no more headers


def decode(data):
    """Decodes one picture.

    Args:
        data: string scalar, a whole file.

    Returns:
        uint8 [H, W, 3], upright: EXIF orientation is applied. Alpha is dropped;
        of an animation, the first frame.

    Raises:
        tf.errors.InvalidArgumentError: not a picture, a damaged or an oversized one.
    """
    data = headers.bounded(data)
    image = tf.cond(
        tf.io.is_jpeg(data),
        lambda: upright(_decode_jpeg(data), orientation(data)),
        lambda: _decode_other(data),
    )
    image.set_shape([None, None, 3])
    return image


def decode_window(data, window):
    """Decodes part of one picture; of a JPEG only that part, where that is faster.

    Args:
        data: string scalar.
        window: int32 [4], top, left, height and width in the stored orientation.

    Returns:
        uint8 [height, width, 3] in the stored orientation.
    """
    image = tf.cond(
        tf.io.is_jpeg(data),
        lambda: _jpeg_window(data, window),
        lambda: _cut(_decode_other(data), window),
    )
    image.set_shape([None, None, 3])
    return image


def _jpeg_window(data, window):
    """A window above half of the picture takes longer than the whole (measured)."""
    whole = tf.reduce_prod(tf.image.extract_jpeg_shape(data)[:2])
    return tf.cond(
        2 * window[2] * window[3] <= whole,
        lambda: tf.image.decode_and_crop_jpeg(data, window, channels=3, dct_method=_DCT),
        lambda: _cut(_decode_jpeg(data), window),
    )


def probe(data):
    """Reads a picture to its end as cheaply as can be; returns its stored size, int32 [2].

    Raises:
        tf.errors.InvalidArgumentError: not a picture, a damaged or an oversized one.
    """
    data = headers.bounded(data)
    small, scale = tf.cond(
        tf.io.is_jpeg(data),
        lambda: (tf.io.decode_jpeg(data, channels=3, ratio=8), 8),
        lambda: (_decode_other(data), 1),
    )
    size = stored_size(data)
    found = tf.debugging.assert_equal(tf.shape(small)[:2], (size + scale - 1) // scale)
    with tf.control_dependencies([found]):
        return tf.identity(size)


def stored_size(data):
    """Height and width as stored, int32 [2], as the file's header declares them."""
    return tf.cast(headers.size(data), tf.int32)


def stored_orientation(data):
    """EXIF orientation of a picture, int32 1 to 8; only JPEGs' is read."""
    return tf.cond(tf.io.is_jpeg(data), lambda: orientation(data), lambda: 1)


def orientation(data):
    """EXIF orientation of a JPEG, int32 1 to 8; 1 where it says nothing valid."""
    starts_plain = tf.strings.substr(data, 0, 6) == _JFIF
    bare = starts_plain & (tf.strings.substr(data, 20, 2) == _TABLES)
    return tf.cond(bare, lambda: 1, lambda: _exif_orientation(data))


def _exif_orientation(data):
    head = tf.io.decode_raw(tf.strings.substr(data, 0, _HEADER), tf.uint8)
    head = tf.pad(head, [[0, 16]])

    def is_exif(at):
        return tf.reduce_all(head[at + 4 : at + 10] == tf.constant(list(b"Exif\0\0"), tf.uint8))

    def goes_on(at):
        marker = tf.cast(head[at + 1], tf.int32)
        header = (marker // 16 == 0xE) | (marker == 0xFE)  # application data or a comment
        return (head[at] == 0xFF) & header & ~is_exif(at)

    def after(at):
        return (tf.minimum(at + 2 + _number(head, at + 2, 2, False), tf.size(head) - 16),)

    (at,) = tf.while_loop(goes_on, after, [tf.constant(2)])
    return tf.cond(is_exif(at), lambda: _orientation_tag(head, at + 10), lambda: 1)


def _orientation_tag(head, tiff):
    """Entry 0x112 of the first directory of a TIFF header at offset `tiff`."""
    little = head[tiff] == ord("I")
    last = tf.size(head) - 16
    directory = tf.minimum(tiff + _number(head, tiff + 4, 4, little), last)
    entries = directory + 2 + 12 * tf.range(_number(head, directory, 2, little))
    entries = tf.minimum(entries, last)
    tags = _number(head, entries, 2, little)
    values = _number(head, entries + 8, 2, little)
    value = tf.reduce_max(tf.where(tags == 0x112, values, 1))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _number(head, at, size, little):
    """The unsigned numbers of `size` bytes at offsets `at`, cut at 2^24."""
    parts = tf.cast(tf.gather(head, at[..., None] + tf.range(size)), tf.int32)
    parts = tf.where(little, parts, tf.reverse(parts, [-1]))
    weights = tf.constant([1, 1 << 8, 1 << 16, 0][:size])
    return tf.reduce_sum(parts * weights, axis=-1)


def upright(image, turn):
    """Turns and mirrors a stored [H, W, C] picture as EXIF orientation `turn` asks."""

    def turned():
        result = tf.cond(turn >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
        mirrored = tf.reduce_any(turn == [2, 3, 6, 7])
        result = tf.cond(mirrored, lambda: tf.reverse(result, [1]), lambda: result)
        return tf.cond(
            tf.reduce_any(turn == [3, 4, 7, 8]), lambda: tf.reverse(result, [0]), lambda: result
        )

    return tf.cond(turn == 1, lambda: image, turned)


def _decode_jpeg(data):
    return tf.io.decode_jpeg(data, channels=3, dct_method=_DCT)


def _decode_other(data):
    return tf.io.decode_image(data, channels=3, expand_animations=False)


def _cut(image, window):
    top, left, height, width = tf.unstack(window)
    return tf.slice(image, [top, left, 0], [height, width, 3])
