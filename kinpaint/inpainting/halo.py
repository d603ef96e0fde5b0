"""Grows a mask over what the thing it covers left beside it: halos, blur, a shadow's edge.

Who paints over a wire in front of the sky rarely meets its edge to the pixel. A dark or bright
rim just outside the mask then counts as known, and is drawn as a band right through the hole.
"""

import cv2
import numpy as np

from kinpaint.completion import regions
from kinpaint.completion.fill import widened
from pipelines.base.errors import UserError

AUTO = "auto"
MOST = 256  # pixels
_TILE = 512
_DEVIATION = 3.0  # standard deviations of the surroundings from which a pixel stands out
_LEVELS = 2.0  # of 255, besides: the steps of eight bits and of JPEG are no halo


def checked(grow) -> int | str:
    """The value of `grow` as given, numbers in texts read.

    Raises:
        UserError: it is neither "auto" nor a whole number of pixels from 0 to 256.
    """
    if grow == AUTO:
        return AUTO
    try:
        pixels = int(grow)
    except (TypeError, ValueError):
        pixels = -1
    if not 0 <= pixels <= MOST or pixels != float(grow):
        raise UserError(f"grow={grow!r}: write auto, or pixels from 0 to {MOST}")
    return pixels


def grown(image: np.ndarray, hole: np.ndarray, grow: int | str) -> np.ndarray:
    """The hole with what is grown.

    Args:
        image: uint8 [H, W, 3].
        hole: bool [H, W], True in holes.
        grow: pixels on every side, or "auto": where pixels beside the hole stand out from the
            surroundings a little farther away. Over texture nothing stands out, and nothing
            is grown.

    Returns:
        bool [H, W], True at least where `hole` is.

    Raises:
        UserError: see `checked`.
    """
    grow = checked(grow)
    if not grow or not hole.any() or hole.all():
        return hole
    if grow != AUTO:
        return widened(hole, grow)
    result = hole.copy()
    near = reach(hole.shape)
    for window in regions.plan(hole, _TILE):
        inside = window.box.slices
        result[inside] |= _halo(image[inside], hole[inside], near)
    return result


def reach(shape) -> int:
    """How far from a hole halos are looked for, in pixels, in a photo of this size."""
    return int(np.clip(max(shape[:2]) // 250, 6, 24))


def _halo(image, hole, near):
    """Pixels within `near` of the hole that stand out and touch it, bool [h, w]."""
    distance = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    # Mean and deviation of the surroundings: of pixels from `near` to thrice as far.
    far = ((distance > near) & (distance <= 3 * near)).astype(np.float32)
    side = 8 * near + 1

    def mean_of(x):
        return cv2.boxFilter(x * far[..., None], -1, (side, side), normalize=False)

    values = image.astype(np.float32)
    count = np.maximum(cv2.boxFilter(far, -1, (side, side), normalize=False), 1e-6)[..., None]
    mean = mean_of(values) / count
    variance = np.maximum(mean_of(np.square(values)) / count - np.square(mean), 0.0)
    limit = _DEVIATION * np.sqrt(variance) + _LEVELS
    stands_out = (np.abs(values - mean) > limit).any(axis=-1) & (distance <= near)
    stands_out &= count[..., 0] > near  # where there are surroundings to compare with
    touching = (stands_out | hole).astype(np.uint8)
    _, labels = cv2.connectedComponents(touching)
    halo = np.isin(labels, np.unique(labels[hole])) & stands_out
    return cv2.dilate(halo.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
