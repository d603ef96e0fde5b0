"""One photo made ready for a level: decoded, checked, shrunk, encoded, described.

`build` and `shard` take the same step, so a directory and TFRecord shards of one
level hold the same bytes.
"""

import hashlib

import cv2
import numpy as np

from pipelines import complexity, crops, decode, listing, quality
from pipelines.base.late import tf

JPEG_QUALITY = 95
_FRAME = 0.02  # of the short side, on opposite sides
_LONGEST = 255  # bytes of a file's name, on most file systems
_FLAT = 2.0  # standard deviation of grey values: a wall, a test card


class Dropped(Exception):
    """Why a photo is left out."""


def prepare(name, data, image_size, row):
    """Makes one photo ready.

    Args:
        name: its relative name; the result has the same, with .jpg behind any other
            ending, so that a.jpg and a.png do not meet.
        data: the file's bytes.
        image_size: wanted short side, in pixels; the aspect is kept, so that the
            centred square of the result is the evaluation's picture.
        row: what is known of it, with `split`; kept in the result's row.

    Returns:
        `(encoded, row)`: JPEG bytes and the manifest row.

    Raises:
        Dropped: unreadable, too small, flat or framed.
    """
    try:
        image = decode.decode(tf.constant(data))
    except tf.errors.OpError as error:
        raise Dropped("unreadable") from error
    if min(image.shape[:2]) < image_size:
        raise Dropped("too small")
    facts = _checked(image.numpy())
    image = crops.shrunk(image, image_size)
    encoded = tf.io.encode_jpeg(image, quality=JPEG_QUALITY, chroma_downsampling=False).numpy()
    height, width = image.shape[:2]
    written = {
        "path": _jpeg_name(name),
        "class": listing.label(name),
        "width": width,
        "height": height,
        "bytes": len(encoded),
        "sha256": hashlib.sha256(encoded).hexdigest(),
        "source_path": name,
        "source_sha256": hashlib.sha256(data).hexdigest(),
    }
    return encoded, row | written | facts


def _jpeg_name(name):
    """The name with .jpg behind any other ending; too long a one is cut, and a hash added."""
    folder, slash, last = name.rpartition("/")
    last = last if last.endswith(".jpg") else f"{last}.jpg"
    if len(last.encode()) > _LONGEST:
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        last = f"{last.encode()[: _LONGEST - 21].decode(errors='ignore')}-{mark}.jpg"
    return f"{folder}{slash}{last}"


def _checked(native):
    """Hashes and complexity; raises Dropped on flat and framed pictures."""
    small = quality.reduced(native)
    luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    if luma.std() < _FLAT:
        raise Dropped("flat")
    if quality.frame_width(luma) > _FRAME * min(luma.shape):
        raise Dropped("framed")
    mirrored = quality.perceptual_hash(np.ascontiguousarray(luma[:, ::-1]))
    return {
        "phash": f"{quality.perceptual_hash(luma):016x}",
        "phash_mirrored": f"{mirrored:016x}",
    } | complexity.measures(small)
