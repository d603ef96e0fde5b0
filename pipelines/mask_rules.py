"""What a mask is: the one place that tells hole from known, in arrays and in files.

A hole is where a mask is true, 1 (where nothing is above 1), or at least half of its range: 128
of 255, 32896 of 65535. Whatever leaves open where the hole is meant to be is refused with a
line that says what to write: soft numbers, channels that disagree, marks that are painted but
nowhere white. A mask of black alone is a mask without hole.
"""

import os

import numpy as np

from pipelines import stored
from pipelines.base.errors import UserError

SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .bmp .gif .webp .tif .tiff .avif .heic .heif .hif".split()
)
_GREY = 32  # channels that differ by no more are one grey, as JPEG and profiles blur it
_SAME = 4.0  # mean difference of 255 up to which a mask is the photo, saved once more
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_MIDDLE = (16, 239)  # no mask has more than its edges in between
_FLAT = 8  # different values in between that a drawing may have, and a photo has more of


def hole_of(mask: np.ndarray, alpha: np.ndarray | None = None) -> np.ndarray:
    """The hole as bool [H, W].

    Args:
        mask: [H, W], or [H, W, C] with C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA): bool;
            0 and 1; or 0 to 255 (0 to 65535 for uint16) with at least 128 (32896) the hole.
            Transparent parts count as black; strokes of one colour on a transparent ground
            are read by their alpha.
        alpha: [H, W], where it is not a channel of `mask`.

    Raises:
        UserError: where the mask does not say for certain what the hole is.
    """
    mask, alpha = _parted(mask, alpha)
    if alpha is None:
        return _hole(mask)
    seen = mask[alpha > 0]
    if (alpha != alpha[:1, :1]).any() and (seen == seen[:1]).all():
        return _hole(alpha)
    seen = _hole(alpha)
    return _hole(
        np.where(seen if mask.ndim == 2 else seen[..., None], mask, mask.dtype.type(0))
    )


def _parted(mask, alpha=None):
    """Colours, [H, W] or [H, W, 3], and alpha, [H, W] or None, of what `hole_of` takes."""
    mask = np.asarray(mask)
    if mask.ndim == 3 and mask.shape[-1] in (2, 4) and alpha is None:
        mask, alpha = mask[..., :-1], mask[..., -1]
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.ndim not in (2, 3) or (mask.ndim == 3 and mask.shape[-1] != 3):
        raise UserError(f"the mask is {mask.shape}: give [H, W], 1 or at least 128 in the hole")
    if mask.size == 0:
        raise UserError(f"the mask {mask.shape} holds no pixel")
    return mask, alpha


def _hole(values):
    """The hole of [H, W] or [H, W, 3]."""
    if values.dtype == bool:
        hole = values
    elif values.dtype.kind == "f":
        hole = _of_floats(values)
    elif values.dtype.kind in "iu":
        hole = _of_integers(values)
    else:
        raise UserError(f"a mask of type {values.dtype} is none: give bool or uint8")
    if hole.ndim == 2:
        return hole
    split = (hole != hole[..., :1]).any(axis=-1)
    if split.any():
        apart = np.ptp(values[split].astype(np.float64), axis=-1).max()
        if values.dtype == bool or apart > _GREY * _full(values) / 255:
            raise UserError(
                "the mask is painted in colours, so its channels disagree on where the hole is:"
                " paint the hole white on black, or give one channel, such as mask[..., 0] > 0"
            )
    return hole.sum(axis=-1) >= 2


def _full(values):
    return 65535 if values.dtype == np.uint16 else max(1.0, min(255.0, float(values.max())))


def _of_floats(values):
    least, most = values.min(), values.max()
    if not np.isfinite([least, most]).all():
        raise UserError("the mask holds NaN or infinity: give bool, or 0 and 1")
    full = 255.0 if most > 1 else 1.0
    if not ((values == 0) | (values == full)).all():
        raise UserError(
            f"the mask holds numbers from {least:.3g} to {most:.3g}, not 0 and 1 alone: "
            f"write mask > {full / 2:g} for where the hole shall begin"
        )
    return values > 0


def _of_integers(values):
    full = 65535 if values.dtype == np.uint16 else 255
    least, most = int(values.min()), int(values.max())
    if least < 0 or most > full:
        raise UserError(
            f"the mask holds {least} to {most}: give bool, 0 and 1, or uint8 with 128 and "
            f"above the hole"
        )
    if most <= 1:
        return values == 1
    half = (full + 1) // 2 if full == 255 else 128 * 257
    if most < half:
        raise UserError(
            f"something is painted in the mask, but nothing is white: its values end at {most} "
            f"of {full}; a hole is 255 (128 and above), or 1 where nothing is above 1"
        )
    return values >= half


def read(source: str | os.PathLike | bytes) -> tuple[stored.Samples, int]:
    """The samples of a mask file, as stored, and how they are still to be turned (1: not).

    What a photo must keep, a mask need not: depth, CMYK, profiles.

    Raises:
        UserError: no picture, a damaged one, or one with several frames.
    """
    data = stored.contents(source)
    with stored.opened(data) as image, stored.decoding(image):
        if (frames := stored.pages(image)) > 1:
            raise UserError(
                f"the mask is animated or has many pages ({frames}): give one of them"
            )
        found = stored.samples(image, data)
        return found, 1 if found.upright else stored.orientation(image, data)


def hole_in(source: str | os.PathLike | bytes) -> np.ndarray:
    """The hole that a mask file shows, upright, bool [H, W]; raises as `hole_of` and `read`."""
    found, orientation = read(source)
    return stored.turned(hole_of(found.colours, found.alpha), orientation)


def refuse_photo(mask: np.ndarray, photo: np.ndarray) -> None:
    """Raises UserError where a mask is the photo itself, given twice by mistake.

    So is a photo with the hole painted over or cut out: only values between black and white
    are compared, of which a mask has its edges at most.

    Args:
        mask: what `hole_of` takes.
        photo: uint8 [H, W] or [H, W, 3].
    """
    mask, _ = _parted(mask)
    if mask.shape[:2] != photo.shape[:2] or mask.dtype.kind not in "iu":
        return
    if mask.dtype == np.uint16:
        mask = np.rint(mask / 257.0)
    middle = (mask >= _MIDDLE[0]) & (mask <= _MIDDLE[1])
    if middle.mean() <= 0.01 or len(np.unique(mask[middle])) <= _FLAT:
        return
    if mask.ndim == 3 or photo.ndim == 2:
        ways = [np.broadcast_arrays(np.atleast_3d(mask), np.atleast_3d(photo))]
        middle = np.broadcast_to(np.atleast_3d(middle), ways[0][0].shape)
    else:  # any way in which a photo is made grey
        most, least = photo.max(axis=-1), photo.min(axis=-1)
        greys = [*np.moveaxis(photo, -1, 0), photo.mean(axis=-1), photo @ _LUMA]
        ways = [(mask, grey) for grey in (*greys, most, (most / 2 + least / 2))]
    if min(np.abs(np.float32(m)[middle] - p[middle]).mean() for m, p in ways) <= _SAME:
        raise UserError("the mask is the photo itself: give a picture with the hole in white")
