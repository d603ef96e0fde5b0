"""Pictures to arrays, and the checks on them.

Decoding is complete (a truncated file is an error), upright (EXIF orientation
applied) and RGB. A near duplicate is a pair whose 64-bit perceptual hashes
differ in at most `NEAR` bits, mirrored or not.
"""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from pipelines import stored
from pipelines.base.errors import UserError

NEAR = 6  # bits of 64; unrelated photographs lie around 32, re-encoded copies within 4
SIDE = 256  # short side at which texture and light are measured
_STRIP = 64
FLAT_DEVIATION = 1.2  # of 255: a border row flatter than this is no sky but a frame


class Unreadable(Exception):
    """A file that is not a whole picture."""


def decode(data):
    """A PIL picture, RGB and upright, whose `format` is the file's.

    Raises:
        Unreadable: not a picture, cut off, or of more than `MAX_PIXELS`.
    """
    try:
        with stored.opened(data) as picture:
            picture.load()
            upright = _eight_bits(ImageOps.exif_transpose(picture)).convert("RGB")
            upright.format = picture.format
            return upright
    except UserError as error:
        raise Unreadable(f"not a whole picture: {error}") from error
    except Exception as error:  # Pillow raises a dozen kinds on damaged files
        raise Unreadable(f"not a whole picture: {type(error).__name__}") from error


def reduced(rgb, side=SIDE):
    """uint8 [H, W, 3] with its short side brought to `side`; area-averaged when shrunk.

    The long side of a strip is at most `_STRIP` times that, whatever becomes of the short one.
    """
    scale = min(side / min(rgb.shape[:2]), _STRIP * side / max(rgb.shape[:2]))
    size = [max(1, round(length * scale)) for length in rgb.shape[1::-1]]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return rgb if scale == 1 else cv2.resize(rgb, size, interpolation=way)


def _eight_bits(picture):
    """16 bit grey by its high bytes; Pillow would cut it off at 255."""
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray(np.uint8(np.asarray(picture) >> 8))


def encode_jpeg(picture, quality):
    """JPEG bytes of a PIL picture, without metadata."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def grey(picture):
    """uint8 [H, W] luma of a PIL picture."""
    return np.asarray(picture.convert("L"))


def perceptual_hash(luma):
    """64-bit DCT hash of uint8 [H, W]: low frequencies above their median.

    The signs of the 8 x 8 lowest DCT coefficients of a 32 x 32 reduction,
    row-major, the first bit highest.
    """
    small = cv2.resize(luma, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8]
    bits = (low > np.median(low)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def near_duplicates(hashes, mirrored, distance=NEAR, block=256):
    """Pairs of pictures whose hashes are near, directly or mirrored.

    Args:
        hashes: uint64 [N] perceptual hashes.
        mirrored: uint64 [N] hashes of the mirrored pictures.
        distance: most differing bits.
        block: rows compared at a time; bounds the memory at some 10 * block * N bytes.

    Returns:
        A list of (i, j, bits) with i < j, sorted.
    """
    hashes, mirrored = np.asarray(hashes, np.uint64), np.asarray(mirrored, np.uint64)
    pairs = []
    for start in range(0, len(hashes), block):
        rows = hashes[start : start + block, None]
        bits = np.bitwise_count(rows ^ hashes[None, start:])
        bits = np.minimum(bits, np.bitwise_count(rows ^ mirrored[None, start:]))
        first, second = np.nonzero(bits <= distance)
        ahead = second > first
        found = zip(first[ahead], second[ahead], strict=True)
        pairs += [(int(i) + start, int(j) + start, int(bits[i, j])) for i, j in found]
    return sorted(pairs)


def first_of_each(count, pairs):
    """Indices kept when of every group of duplicates only the first stays."""
    dropped = set()
    for first, second, _ in pairs:
        if first not in dropped:
            dropped.add(second)
    return [index for index in range(count) if index not in dropped]


def frame_width(luma):
    """Widest flat border of uint8 [H, W] in pixels (0: none) on opposite sides.

    A border counts where whole rows (or columns) deviate less than
    `FLAT_DEVIATION` from their mean on both opposite edges: letterboxes and
    frames, not a plain sky above a bird.
    """
    return max(_flat_edges(luma), _flat_edges(luma.T))


def _flat_edges(luma):
    flat = luma.astype(np.float32).std(axis=1) < FLAT_DEVIATION
    if flat.all():
        return len(flat)
    return int(min(np.argmin(flat), np.argmin(flat[::-1])))
