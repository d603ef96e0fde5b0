"""Reads a photograph with all that must survive, and writes it back.

What the network cannot see (alpha, 16-bit depth, profile, EXIF, resolution,
JPEG tables) stays with the `Photo`; only pixels under the hole are replaced, so
known samples are the stored ones, bit for bit.
"""

import contextlib
import dataclasses
import os
import pathlib
import secrets
import shutil
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin, PngImagePlugin

from kinpaint.completion import exif
from pipelines.base.errors import UserError
from pipelines.listing import MAX_PIXELS

READABLE = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
PICTURES = (*SUFFIXES, ".bmp", ".tif", ".tiff", ".gif")
Image.init()  # else Pillow knows only some formats until it meets another
# Besides EXIF, what can hold the orientation.
_ORIENTED = {"xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's own conversion


@dataclasses.dataclass
class Photo:
    """A decoded photograph, upright.

    Attributes:
        samples: as stored, [H, W] or [H, W, C], uint8 or uint16, without alpha.
        alpha: uint8 [H, W], or None.
        format: Pillow's name of the file's format.
        orientation: EXIF value that was applied, 1 to 8.
        keep: what the writer must know: exif, icc_profile, dpi, JPEG tables, ...
    """

    samples: np.ndarray
    alpha: np.ndarray | None
    format: str
    orientation: int
    keep: dict

    @property
    def rgb(self):
        """What the network sees, uint8 [H, W, 3]."""
        grey = self.samples
        if grey.dtype == np.uint16:
            grey = np.rint(grey / 257.0).astype(np.uint8)
        return grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=-1)

    def with_hole(self, completed, hole, opaque=False):
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
            alpha = np.where(hole, np.uint8(255), alpha)
        return dataclasses.replace(self, samples=samples, alpha=alpha)


def size(path):
    """(width, height) from the file's head; raises UserError like `read`."""
    with _opened(path) as image:
        return image.size


def read(path):
    """Decodes a photograph; raises UserError that says in words what is wrong with it."""
    with _opened(path) as image:
        try:
            _refuse_what_would_be_lost(image)
            return _decoded(image)
        except UserError:
            raise
        except Exception as error:  # Pillow raises a dozen kinds on damaged files
            raise UserError(f"damaged {image.format} file: {_first_line(error)}") from error


def _opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes: checked below, in words
        try:
            image = Image.open(path, formats=READABLE)
        except Image.DecompressionBombError as error:
            raise UserError(f"more than {MAX_PIXELS // 10**6} megapixels") from error
        except Image.UnidentifiedImageError as error:
            raise UserError(_what_else(path)) from error
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(getattr(error, "strerror", None) or str(error)) from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise UserError(
            f"{image.width}x{image.height} is more than {MAX_PIXELS // 10**6} megapixels"
        )
    return image


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]


def _what_else(path):
    head = pathlib.Path(path).read_bytes()[:512].lstrip().lower()
    if not head:
        return "the file is empty"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture"
    if head.startswith(b"<"):
        return "an SVG or XML text, not pixels"
    return f"not a picture in any of {', '.join(READABLE)}"


def _refuse_what_would_be_lost(image):
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # MPO: phones put a preview behind the photo
        raise UserError(f"animated or many pages ({frames} frames): complete them one by one")
    if image.mode in ("CMYK", "LAB", "YCbCr", "HSV", "F", "I"):
        raise UserError(f"{image.mode} colours cannot be kept: convert it to RGB first")
    if image.format == "PNG" and image.tile and "16B" in str(image.tile[0][3]):
        if image.mode != "I;16":
            raise UserError("16 bits a colour cannot be kept: convert it to 8 bits first")


def _decoded(image):
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    keep = _kept(image)  # before anything is converted: JPEG tables belong to the file's image
    image.load()
    upright = ImageOps.exif_transpose(image)
    for kept in (keep, keep.get("text", {})):
        for name in kept.keys() & _ORIENTED:
            kept[name] = upright.info.get(name)
    samples, alpha = _arrays(upright)
    file_format = "JPEG" if image.format == "MPO" else image.format
    return Photo(samples, alpha, file_format, orientation, keep)


def _arrays(image):
    """Samples without alpha, and alpha."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16), None
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA") else "RGBA")
    array = np.asarray(image)
    if image.mode in ("LA", "RGBA"):
        colours = array[..., 0] if image.mode == "LA" else array[..., :3]
        return np.ascontiguousarray(colours), np.ascontiguousarray(array[..., -1])
    if image.mode not in ("L", "RGB"):
        raise UserError(f"{image.mode} colours cannot be kept: convert it to RGB first")
    return array, None


def _kept(image):
    """What the writer needs, by the names that Pillow's writers use."""
    names = ("icc_profile", "dpi", "xmp", "comment", "progressive")
    keep = {k: image.info[k] for k in names if image.info.get(k)}
    keep["exif"] = exif.upright(image.info.get("exif", b""))
    if image.format in ("JPEG", "MPO"):
        keep["qtables"] = image.quantization
        keep["subsampling"] = JpegImagePlugin.get_sampling(image)
    if image.format == "PNG":
        keep["text"] = dict(image.text)
    if image.format == "WEBP":
        image.fp.seek(0)
        keep["lossless"] = b"VP8L" in image.fp.read(4096)
    return keep


def write(photo, path, file_format):
    """Writes a photo; raises UserError and leaves nothing behind when that fails.

    Args:
        photo: what to write.
        path: where to.
        file_format: "PNG", "JPEG" or "WEBP".
    """
    image, options = _encodable(photo, file_format)
    with _replacing(path) as file:
        image.save(file, format=file_format, **options)


def copy(source, path):
    """Copies a file as it is, under the same promise as `write`."""
    with open(source, "rb") as original, _replacing(path) as file:
        shutil.copyfileobj(original, file)


@contextlib.contextmanager
def _replacing(path):
    """A file under a temporary name that becomes `path` when the block ends well."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name[:20]}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {path}: {reason}") from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def _encodable(photo, file_format):
    """The Pillow image and its writer's options."""
    samples, alpha, keep = photo.samples, photo.alpha, photo.keep
    if file_format == "JPEG" and alpha is not None:
        raise UserError("JPEG cannot hold its transparency: choose --format=png")
    if file_format != "PNG" and samples.dtype == np.uint16:
        raise UserError(f"{file_format} cannot hold its 16 bits: choose --format=png")
    if alpha is not None:
        samples = np.dstack([samples, alpha])
    image = Image.fromarray(samples)
    options = {k: keep[k] for k in ("icc_profile", "exif", "dpi") if keep.get(k)}
    if file_format == "JPEG":
        options |= _jpeg_options(keep)
    elif file_format == "PNG":
        options["pnginfo"] = _png_text(keep)
    elif file_format == "WEBP":
        options |= {"xmp": keep["xmp"]} if "xmp" in keep else {}
        options |= {"lossless": keep.get("lossless", photo.format != "JPEG")}
        options |= {"exact": True, "quality": 95}
    return image, options


def _jpeg_options(keep):
    options = {k: keep[k] for k in ("qtables", "comment", "xmp", "progressive") if k in keep}
    if keep.get("subsampling", -1) >= 0:
        options["subsampling"] = keep["subsampling"]
    return options if "qtables" in options else options | {"quality": 95, "subsampling": 0}


def _png_text(keep):
    info = PngImagePlugin.PngInfo()
    for key, value in keep.get("text", {}).items():
        info.add_itxt(key, str(value))
    return info


def read_mask(path, photo, invert=False):
    """The hole of `photo` as bool [H, W]: where the mask file is white (>= 128 of 255).

    A mask of the photo's stored size is turned as the photo was, where the upright size is
    another. Transparent parts of a mask count as black; a mask that is of one colour and partly
    transparent is read by its alpha.

    Raises:
        UserError: unreadable, or of another size.
    """
    mask = read(path)
    values = np.rint(mask.rgb @ _LUMA)  # the weights sum to a little less than 1
    if mask.alpha is not None:
        one_colour = values.min() == values.max()
        values = mask.alpha if one_colour else np.where(mask.alpha >= 128, values, 0)
    shape = photo.samples.shape[:2]
    if values.shape != shape and mask.orientation == 1:
        values = _turned(values, photo.orientation)
    if values.shape != shape:
        raise UserError(
            f"the mask is {values.shape[1]}x{values.shape[0]}, the photo {shape[1]}x{shape[0]}"
        )
    return (values >= 128) ^ invert


def _turned(values, orientation):
    image = Image.fromarray(values.astype(np.uint8))
    image.getexif()[ExifTags.Base.Orientation] = orientation
    return np.asarray(ImageOps.exif_transpose(image))
