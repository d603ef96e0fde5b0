"""Picture files with the samples that are stored in them, at their own depth.

Pillow opens the file and says what it is. Where it would cut 16 bits to 8 (colour in PNG and
TIFF) OpenCV and tifffile read the samples. Nothing is decoded before its size is known, and
texts in a PNG are not unpacked at all: a few bytes of them can stand for gigabytes.
"""

import contextlib
import dataclasses
import io
import logging
import os
import pathlib
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, features

from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.listing import MAX_PIXELS

try:
    import pillow_heif
except ImportError:
    HEIC = False
else:
    pillow_heif.register_heif_opener()
    HEIC = True
AVIF = features.check("avif")

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF") + ("AVIF",) * AVIF + ("HEIF",) * HEIC
MAX_BYTES = 1 << 30  # of a file: 100 megapixels of four 16 bit samples are 0.8 GB
Image.init()  # else Pillow knows only some formats until it meets another
PNG_START = b"\x89PNG\r\n\x1a\n"
# Chunks that Pillow gets to see: pixels, palette, transparency, and what tells of animation.
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR, _EXTRA = 258, 259, 262, 277, 284, 338
_SAMPLE_FORMAT, _UNSIGNED = 339, 1
_WHITE_IS_ZERO, _GREY_OR_RGB = 0, (0, 1, 2)
_UNSPECIFIED, _PREMULTIPLIED = 0, 1  # kinds of extra samples


@dataclasses.dataclass
class Samples:
    """The samples of a picture.

    Attributes:
        colours: [H, W] or [H, W, 3]: bool, uint8 or uint16; of masks also int32 or float32.
        alpha: [H, W] of the same type, or None.
        upright: whether the orientation that the file states has been applied.
    """

    colours: np.ndarray
    alpha: np.ndarray | None
    upright: bool = False


def contents(source: str | os.PathLike | bytes) -> bytes:
    """The bytes of a file, or the bytes that are given.

    Raises:
        UserError: no such file, no file but a pipe or folder, or one above `MAX_BYTES`.
    """
    if isinstance(source, bytes):
        return source
    _require_file(source)
    try:
        return pathlib.Path(source).read_bytes()
    except OSError as error:
        raise UserError(error.strerror) from error


def _require_file(path):
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UserError(getattr(error, "strerror", None) or str(error)) from error
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for without end
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or device"
        raise UserError(f"{what}, not a file")
    if found.st_size > MAX_BYTES:
        raise UserError(f"a file of more than {MAX_BYTES >> 30} GB")


def opened(data: bytes | BinaryIO) -> Image.Image:
    """A Pillow picture whose pixels are not decoded yet.

    Args:
        data: a file's bytes; or a file opened for reading, to learn its size only.

    Raises:
        UserError: what else the bytes are, or that they declare more than `MAX_PIXELS`.
    """
    if isinstance(data, bytes) and data.startswith(PNG_START):
        data = _pixels_of(data)
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes: checked below, in words
        try:
            image = Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError as error:
            raise UserError(f"more than {MAX_PIXELS // 10**6} megapixels") from error
        except Image.UnidentifiedImageError as error:
            file.seek(0)
            raise UserError(_what_else(file.read(512))) from error
        except Exception as error:  # Pillow raises a dozen kinds on damaged files
            raise UserError(f"damaged file: {_first_line(error)}") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise UserError(
            f"{image.width}x{image.height} is more than {MAX_PIXELS // 10**6} megapixels"
        )
    return image


def size(source: str | os.PathLike | bytes) -> tuple[int, int]:
    """(width, height) as stored, from a file's head; raises UserError as `opened`."""
    if not isinstance(source, bytes):
        _require_file(source)
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        head = file.read(33)
        if head.startswith(PNG_START) and len(head) == 33:  # before any long text
            return struct.unpack_from(">II", head, 16)
        with opened(file) as image:
            return image.size


@contextlib.contextmanager
def decoding(image: Image.Image) -> Iterator[None]:
    """Makes a UserError of whatever a library raises on a damaged file: a dozen kinds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damage: what matters is raised
            yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"damaged {image.format} file: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """What an exception says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _what_else(data):
    head = data.lstrip().lower()
    if not head:
        return "the file is empty"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture"
    if head.startswith(b"<"):
        return "an SVG or XML text, not pixels"
    if data[4:8] == b"ftyp" and not HEIC and data[8:12] != b"avif":
        return "a HEIC picture: pip install pillow-heif, or convert it to JPEG or PNG"
    if head.startswith((b"ii*\0", b"mm\0*")):
        return "a TIFF of a kind that is not read: save it as RGB or grey, of 8 or 16 bits"
    return f"not a picture in any of {', '.join(FORMATS)}"


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(kind, data, the whole chunk as it stands) of every chunk of a PNG, as far as they go."""
    place = len(PNG_START)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        raw = data[place : place + 12 + length]
        yield raw[4:8], raw[8 : 8 + length], raw
        place += 12 + length
    if place < len(data):  # cut off; Pillow says so
        yield data[place + 4 : place + 8], data[place + 8 :], data[place:]


def _pixels_of(png):
    """A PNG without anything but its pixels."""
    return PNG_START + b"".join(raw for kind, _, raw in png_chunks(png) if kind in _PIXELS)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )


def pages(image: Image.Image) -> int:
    """Number of frames or pages; 1 for an MPO, where phones put a preview behind the photo."""
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def lost(image: Image.Image, data: bytes) -> str:
    """Why a photo's samples could not be written back, in words; "" where they can."""
    if (frames := pages(image)) > 1:
        return f"animated or many pages ({frames} frames): complete them one by one"
    if image.mode in ("CMYK", "LAB", "YCbCr", "HSV", "F", "I"):
        return f"{image.mode} colours cannot be kept: convert it to RGB first"
    bits = {
        image.info.get("bit_depth", 8) if image.format == "HEIF" else _avif_bits(image, data)
    }
    if image.format == "TIFF":
        bits = {*image.tag_v2.get(_BITS, (1,))}
        extra = image.tag_v2.get(_EXTRA, ())
        if len(extra) > 1 or _UNSPECIFIED in extra:
            return (
                "its channels beside colour and transparency cannot be kept: flatten it first"
            )
    if not bits <= {1, 2, 4, 8, 16} or len(bits) > 1:
        return f"{max(bits)} bits a colour cannot be kept: convert it to 8 or 16 bits first"
    return ""


def premultiplied(image: Image.Image) -> bool:
    """Whether colours are stored multiplied by their alpha, and so inexact where it is low."""
    return image.format == "TIFF" and _PREMULTIPLIED in image.tag_v2.get(_EXTRA, ())


def _avif_bits(image, data):
    place = data[: 1 << 16].find(b"av1C") if image.format == "AVIF" else -1
    # AV1 in ISOBMFF, 2.3.3: the third byte behind the name holds the flags of the depth.
    flags = data[place + 6] if 0 <= place < len(data) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def samples(image: Image.Image, data: bytes) -> Samples:
    """Decodes a picture at its own depth.

    Args:
        image: what `opened` gave.
        data: the file's bytes.

    Raises:
        UserError: it is of a kind that is not read at its depth. Call it in `decoding`.
    """
    if image.format == "PNG" and image.mode != "I;16" and "16B" in str(image.tile[0][3]):
        image.load()  # Pillow reads to the end and finds what is damaged; OpenCV would not
        return _keyed(_split(_in_rgb_order(_by_opencv(_pixels_of(data)))), data)
    if image.format == "TIFF" and {*image.tag_v2.get(_BITS, (1,))} == {16}:
        if {*image.tag_v2.get(_SAMPLE_FORMAT, (_UNSIGNED,))} == {_UNSIGNED}:
            return _deep_tiff(image, data)
    image.load()
    found = _by_pillow(image)
    return _keyed(found, data) if image.format == "PNG" else found


def _by_opencv(data):
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise UserError("damaged file, or of a kind that is not read at 16 bits")
    return array


def _in_rgb_order(array):
    """BGR(A) as OpenCV has it to RGB(A), and back."""
    if array.ndim == 2:
        return array
    return np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[-1]]])


def _split(array):
    """Samples of [H, W] or [H, W, 1 to 4], the last of 2 or 4 channels being alpha."""
    if array.ndim == 2:
        return Samples(array, None)
    count = array.shape[-1]
    alpha = np.ascontiguousarray(array[..., -1]) if count in (2, 4) else None
    colours = array[..., :3] if count >= 3 else array[..., 0]
    return Samples(np.ascontiguousarray(colours), alpha)


def _deep_tiff(image, data):
    """16 bit samples: by tifffile, or by OpenCV where the compression asks for it (LZW)."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # said in our own words
    tags = image.tag_v2
    if tags.get(_PHOTOMETRIC) not in _GREY_OR_RGB:
        raise UserError("16 bits in other colours than RGB or grey are not read: convert it")
    upright = False
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            array = file.pages[0].asarray()
        if tags.get(_SAMPLES, 1) > 1 and tags.get(_PLANAR, 1) == 2:
            array = np.moveaxis(array, 0, -1)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if tags.get(_PLANAR, 1) == 2:  # OpenCV mixes these up
            raise UserError(
                f"16 bits in planes with compression {tags.get(_COMPRESSION)} are not read: "
                f"save it as PNG, or as TIFF without compression"
            ) from error
        image.load()  # libtiff through Pillow tells what is damaged; OpenCV would not
        array, upright = _in_rgb_order(_by_opencv(data)), True  # OpenCV turns TIFFs by itself
    if array.dtype != np.uint16:
        raise UserError(f"{array.dtype} samples cannot be kept: convert it to 8 or 16 bits")
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO and array.ndim == 2:
        array = 65535 - array
    found = _split(array.astype(np.uint16))
    return dataclasses.replace(found, upright=upright)


def _keyed(found, data):
    """With the one transparent colour of a 16 bit PNG (its tRNS chunk) as alpha."""
    keys = [content for kind, content, _ in png_chunks(data) if kind == b"tRNS"]
    if found.alpha is not None or found.colours.dtype != np.uint16 or not keys:
        return found
    same = found.colours == np.frombuffer(keys[0], ">u2")
    clear = same if same.ndim == 2 else same.all(axis=-1)
    return dataclasses.replace(found, alpha=np.where(clear, np.uint16(0), np.uint16(65535)))


def _by_pillow(image):
    upright = image.format == "TIFF"  # Pillow turns TIFFs while it loads them
    mode = image.mode
    if mode.startswith("I;16"):
        return Samples(np.asarray(image).astype(np.uint16), None, upright)
    if mode in ("I", "F"):
        return Samples(np.asarray(image), None, upright)
    if mode == "1":
        image = image.convert("L")
    elif mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        image = image.convert("RGB")
    elif mode == "LAB":
        image = image.getchannel(0)
    elif mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.has_transparency_data:
        image = image.convert("LA" if mode in ("L", "LA", "La") else "RGBA")
    if image.mode not in ("L", "RGB", "LA", "RGBA"):
        raise UserError(f"{image.mode} colours are not read: convert it to RGB first")
    return dataclasses.replace(_split(np.asarray(image)), upright=upright)


def encoded_png(picture: np.ndarray) -> bytes:
    """A PNG of uint8 or uint16 [H, W], RGB [H, W, 3] or RGBA [H, W, 4]."""
    done, encoded = cv2.imencode(".png", _in_rgb_order(picture))
    if not done:
        raise ValueError(f"OpenCV cannot encode {picture.dtype} {picture.shape}")
    return encoded.tobytes()


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Writes a picture as a PNG, whole or not at all.

    Not by OpenCV's own writer, which takes no path that is not UTF-8 and tells of no error.
    """
    files.write(path, encoded_png(picture))


def turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W, ...] turned and mirrored as EXIF orientation 1 to 8 asks."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)
