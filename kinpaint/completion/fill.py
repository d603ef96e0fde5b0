"""Fills the holes of a picture of any size with a network that sees one tile at a time.

- A picture that fits a tile goes through the network whole.
- In a larger one, each group of holes is filled in its own window.
- A hole too large for a window, or deeper than the network learned to fill, is
  filled from coarse to fine: the picture at half size is completed first (and
  so on down, until it fits), enlarged, and stands in the depth of the hole; the
  network then paints at full size a ring along the edge, as deep as it can
  see, in overlapping tiles. Detail ends where knowledge ends: the middle of a
  very large hole stays soft.

Only pixels under the mask are ever written.
"""

import cv2
import numpy as np

from kinpaint.completion import regions


def fill(predict, image, mask, tile, reach=None):
    """Fills the holes.

    Args:
        predict: (uint8 [1, h, w, 3], uint8 [1, h, w, 1]) -> uint8 [1, h, w, 3].
        image: uint8 [H, W, 3].
        mask: bool [H, W], True in holes.
        tile: largest side in pixels that `predict` is given: a bound on memory.
        reach: side in pixels of the pictures in which the network is trusted with a hole of
            any depth; in larger ones with an eighth of it. Default: `tile`.

    Returns:
        uint8 [H, W, 3], a new array.
    """
    reach = min(reach or tile, tile)
    if mask.any() and max(mask.shape) <= tile:
        return _coarse_to_fine(predict, image, mask, tile, reach)
    filled = image.copy()
    for region in regions.plan(mask, tile):
        inside = region.window.slices
        completed = _coarse_to_fine(predict, image[inside], mask[inside], tile, reach)
        np.copyto(filled[inside], completed, where=region.holes[..., None])
    return filled


def feathered(image, filled_wider, mask, feather):
    """Fades from the filling to the photo over the `feather` pixels around the hole.

    Args:
        image: uint8 [H, W, 3].
        filled_wider: `image` filled under the mask grown by `widened`.
        mask: bool [H, W], the hole before it was grown.
        feather: pixels.
    """
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.clip(1.0 - distance / (feather + 1), 0.0, 1.0)[..., None]
    mixed = image + weight * (filled_wider.astype(np.float32) - image)
    return np.rint(mixed).astype(np.uint8)


def widened(mask, feather):
    """The mask grown by `feather` pixels."""
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return distance <= feather


def _completed(predict, image, mask):
    """Runs the network on one window."""
    hole = np.where(mask, 255, 0).astype(np.uint8)
    return predict(image[None], hole[None, ..., None])[0]


def _coarse_to_fine(predict, image, mask, tile, reach):
    deep, side = _depth(mask) > reach // 8, max(mask.shape)
    if side <= reach or (side <= tile and not deep.any()):
        return _completed(predict, image, mask)
    coarse = _coarse_to_fine(predict, *_halved(image, mask), tile, reach)
    enlarged = cv2.resize(coarse, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    image = np.where(deep[..., None], enlarged, image)
    _paint_tiles(predict, image, mask & ~deep, tile)
    return image


def _halved(image, mask):
    """Picture and mask at half size: means over known pixels; known where half of it is."""
    known = np.where(mask, 0, 255).astype(np.uint8)
    size = [max(-(-side // 2), 1) for side in mask.shape[::-1]]
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
    total = cv2.resize(
        np.where(mask[..., None], np.uint8(0), image), size, interpolation=cv2.INTER_AREA
    )
    mean = total.astype(np.float32) * 255.0 / np.maximum(share, 1)
    return np.rint(np.minimum(mean, 255.0)).astype(np.uint8), share[..., 0] < 128


def _depth(mask):
    """Distance in pixels to the nearest known pixel; infinite where there is none."""
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def _paint_tiles(predict, image, hole, tile):
    """Paints a hole in place, tile by tile in reading order.

    Each tile writes the middle of what it sees and counts what earlier tiles wrote as known,
    so that neighbours continue each other.
    """
    margin = tile // 8
    step = tile - 2 * margin
    remaining = hole.copy()
    for top in range(0, hole.shape[0], step):
        for left in range(0, hole.shape[1], step):
            middle = slice(top, top + step), slice(left, left + step)
            if not remaining[middle].any():
                continue
            first_row, first_column = max(top - margin, 0), max(left - margin, 0)
            around = (
                slice(first_row, top + step + margin),
                slice(first_column, left + step + margin),
            )
            completed = _completed(predict, image[around], remaining[around])
            inner = completed[top - first_row :, left - first_column :][:step, :step]
            np.copyto(image[middle], inner, where=remaining[middle][..., None])
            remaining[middle] = False
