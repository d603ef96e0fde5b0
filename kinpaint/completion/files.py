"""Reads a photograph with all that must survive, and writes it back.

What the network cannot see (alpha, 16 bit depth, profile, EXIF, resolution, JPEG tables) stays
with the `Photo`; only samples under the hole are replaced, so known samples are the stored
ones, bit for bit. `stored` reads samples, `metadata` carries what lies beside them.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import struct
import threading

import numpy as np
from PIL import Image, ImageFile

from kinpaint.completion import metadata
from pipelines import mask_rules, stored
from pipelines.base import files
from pipelines.base.errors import UserError

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}
PICTURES = (*SUFFIXES, ".bmp", ".gif")
_MOST_SIDE = {"JPEG": 65500, "WEBP": 16383, "AVIF": 65536, "HEIF": 16384}
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's own conversion
_BUFFER = threading.Lock()  # Pillow has one size of buffers for the whole process


@dataclasses.dataclass
class Photo:
    """A decoded photograph, upright.

    Attributes:
        samples: as stored, [H, W] or [H, W, 3], uint8 or uint16, without alpha.
        alpha: [H, W] of the same type, or None.
        format: Pillow's name of the file's format.
        orientation: EXIF value that was applied, 1 to 8.
        keep: options of the writer that give the same encoding: JPEG tables, lossless WebP, ...
        about: EXIF, profile and all else beside the samples.
    """

    samples: np.ndarray
    alpha: np.ndarray | None
    format: str
    orientation: int
    keep: dict
    about: metadata.About = dataclasses.field(default_factory=metadata.About)

    @property
    def rgb(self) -> np.ndarray:
        """What the network sees, uint8 [H, W, 3]."""
        grey = _eight_bits(self.samples)
        return grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=-1)

    @property
    def opacity(self) -> np.ndarray | None:
        """The alpha as uint8 [H, W], or None."""
        return None if self.alpha is None else _eight_bits(self.alpha)

    def with_hole(
        self, completed: np.ndarray, hole: np.ndarray, opaque: bool = False
    ) -> "Photo":
        """A photo whose samples under `hole` come from `completed`, uint8 [H, W, 3].

        With `opaque`, the alpha there becomes opaque too.
        """
        new = completed[hole]
        if self.samples.ndim == 2:
            new = np.rint(new @ _LUMA)
        if self.samples.dtype == np.uint16:
            new = new.astype(np.uint16) * np.uint16(257)
        samples, alpha = self.samples.copy(), self.alpha
        samples[hole] = new
        if opaque and alpha is not None:
            alpha = np.where(hole, alpha.dtype.type(np.iinfo(alpha.dtype).max), alpha)
        return dataclasses.replace(self, samples=samples, alpha=alpha)


def _eight_bits(samples):
    return samples if samples.dtype == np.uint8 else np.rint(samples / 257.0).astype(np.uint8)


def read(source: str | os.PathLike | bytes) -> Photo:
    """Decodes a photograph.

    Args:
        source: a path, or a file's bytes.

    Raises:
        UserError: says in words what is wrong with it, or what of it could not be written back.
    """
    data = stored.contents(source)
    with stored.opened(data) as image, stored.decoding(image):
        if problem := stored.lost(image, data):
            raise UserError(problem)
        about, orientation = metadata.of(image, data)  # before anything is decoded:
        keep = _kept(image, data)  # JPEG tables belong to the file's own image
        found = stored.samples(image, data)
        if (
            stored.premultiplied(image)
            and (found.alpha < np.iinfo(found.alpha.dtype).max).any()
        ):
            raise UserError(
                "premultiplied transparency cannot be kept: save it unpremultiplied"
            )
    turn = 1 if found.upright else orientation
    alpha = None if found.alpha is None else stored.turned(found.alpha, turn)
    file_format = "JPEG" if image.format == "MPO" else image.format
    return Photo(
        stored.turned(found.colours, turn), alpha, file_format, orientation, keep, about
    )


def _kept(image, data):
    """Options of the writer that give the encoding of the file again."""
    if image.format in ("JPEG", "MPO"):
        return metadata.jpeg_settings(image)
    if image.format == "PNG":
        return {"colour_type": data[25]}
    if image.format == "WEBP":
        return {"lossless": _is_lossless(data)}
    return {}


def _is_lossless(webp):
    """Whether a WebP holds its pixels in a VP8L chunk (RFC 9649, section 2)."""
    place = 12
    while place + 8 <= len(webp):
        if webp[place : place + 4] in (b"VP8L", b"VP8 "):
            return webp[place : place + 4] == b"VP8L"
        (length,) = struct.unpack_from("<I", webp, place + 4)
        place += 8 + length + length % 2
    return False


def left_out(photo: Photo, file_format: str) -> list[str]:
    """What of the photo a file of this format will not hold, in words: to be said before.

    Raises:
        UserError: the photo cannot be written so at all, and what can be done.
    """
    if file_format == "HEIF" and not stored.HEIC:
        raise UserError("HEIC needs pillow-heif: pip install pillow-heif, or --format=png")
    if file_format == "AVIF" and not stored.AVIF:
        raise UserError("this Pillow has no AVIF: pip install -U pillow, or --format=png")
    if file_format == "JPEG" and photo.alpha is not None:
        raise UserError("JPEG cannot hold its transparency: choose --format=png")
    if file_format not in ("PNG", "TIFF") and photo.samples.dtype == np.uint16:
        raise UserError(f"{file_format} cannot hold its 16 bits: choose --format=png")
    height, width = photo.samples.shape[:2]
    if max(height, width) > _MOST_SIDE.get(file_format, max(height, width)):
        raise UserError(
            f"{file_format} cannot hold {width}x{height} pixels, at most "
            f"{_MOST_SIDE[file_format]} a side: choose --format=png"
        )
    return metadata.fitted(photo.about, photo.format, file_format)[1]


def encoded(photo: Photo, file_format: str) -> bytes:
    """The bytes of a photo as a file.

    Args:
        photo: what to write.
        file_format: a value of `SUFFIXES`.

    Raises:
        UserError: the format cannot hold it (`left_out`).
    """
    left_out(photo, file_format)
    about, _ = metadata.fitted(photo.about, photo.format, file_format)
    samples = photo.samples
    if photo.alpha is not None:
        if samples.ndim == 2 and samples.dtype == np.uint16:  # few read grey with deep alpha
            samples = np.repeat(samples[..., None], 3, axis=-1)
        samples = np.dstack([samples, photo.alpha])
    if file_format == "TIFF":
        return metadata.tiff(samples, about)
    if file_format == "PNG":
        return metadata.with_png(_png(samples), about, photo.keep.get("colour_type"))
    if file_format == "JPEG":
        return metadata.with_jpeg(_jpeg(samples, photo.keep, about.dpi), about)
    beside = {"exif": about.exif, "icc_profile": about.icc, "xmp": about.xmp}
    options = {key: value for key, value in beside.items() if value}
    if file_format == "WEBP":
        options |= {"lossless": photo.keep.get("lossless", photo.format != "JPEG")}
        options |= {"exact": True, "quality": 95}
    elif file_format == "AVIF":
        options |= {"quality": 95, "subsampling": "4:4:4"}
    else:
        options |= {"quality": 95, "chroma": 444}
    return _by_pillow(samples, file_format, options)


def _by_pillow(samples, file_format, options):
    file = io.BytesIO()
    Image.fromarray(samples).save(file, format=file_format, **options)
    return file.getvalue()


def _png(samples):
    """A PNG without anything beside its samples; Pillow has no 16 bit colours, OpenCV has."""
    if samples.dtype == np.uint8 or samples.ndim == 2:
        return _by_pillow(samples, "PNG", {})
    return stored.encoded_png(samples)


def _jpeg(samples, keep, dpi):
    names = ("qtables", "subsampling", "progressive", "keep_rgb")
    options = {name: keep[name] for name in names if name in keep}
    options |= {} if "qtables" in keep else {"quality": 95, "subsampling": 0}
    options |= {"dpi": dpi} if dpi else {}
    with _BUFFER:
        # A progressive file is written in one piece at its end, and needs a buffer for all of
        # it: a sample takes at most 27 bits (T.81, tables K.3 to K.6). Untouched, it is free.
        usual = ImageFile.MAXBLOCK
        ImageFile.MAXBLOCK = max(usual, 4 * samples.size + (1 << 16))
        try:
            return _by_pillow(samples, "JPEG", options)
        finally:
            ImageFile.MAXBLOCK = usual


def write(photo: Photo, path: str | os.PathLike, file_format: str) -> None:
    """Writes a photo; raises UserError and leaves nothing behind when that fails.

    Args:
        photo: what to write.
        path: where to; folders are made.
        file_format: a value of `SUFFIXES`.
    """
    data = encoded(photo, file_format)
    with _writing(path):
        files.write(path, data)


def copy(source: str | os.PathLike, path: str | os.PathLike) -> None:
    """Copies a file as it is, under the same promise as `write`."""
    with _writing(path):
        files.write(path, stored.contents(source))


@contextlib.contextmanager
def _writing(path):
    """Makes the folder of `path`; what goes wrong is said in words."""
    try:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {path}: {reason}") from error


def read_mask(
    source: str | os.PathLike | bytes, photo: Photo, invert: bool = False
) -> np.ndarray:
    """The hole of `photo` as bool [H, W], as a mask file shows it (`pipelines.mask_rules`).

    A mask of the photo's stored size is turned as the photo was, where the upright size is
    another.

    Raises:
        UserError: unreadable, of another size, the photo itself, or in doubt.
    """
    found, orientation = mask_rules.read(source)
    shape = photo.samples.shape[:2]
    colours = stored.turned(found.colours, orientation)
    alpha = None if found.alpha is None else stored.turned(found.alpha, orientation)
    if colours.shape[:2] != shape and orientation == 1 and not found.upright:
        colours = stored.turned(colours, photo.orientation)
        alpha = None if alpha is None else stored.turned(alpha, photo.orientation)
    if colours.shape[:2] != shape:
        height, width = found.colours.shape[:2]
        raise UserError(f"the mask is {width}x{height}, the photo {shape[1]}x{shape[0]}")
    mask_rules.refuse_photo(colours, _eight_bits(photo.samples))
    return mask_rules.hole_of(colours, alpha) ^ invert
