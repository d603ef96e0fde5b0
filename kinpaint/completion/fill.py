"""Fills the holes of a picture of any size with a network that sees one window at a time.

- A picture no larger than those the network trained on goes through it whole.
- In a larger one the network paints what it learned to paint: pixels not too deep in their
  hole, in windows around them (`regions`), each counting what earlier ones wrote as known, so
  that neighbours continue each other.
- What lies deeper is filled from coarse to fine: at half size first (and so on down, until it
  is shallow there), enlarged, and stands in the depth of the hole while the network paints at
  full size the ring around it. Only windows around deep places are looked at in the coarser
  pictures. What detail the enlarged middle lacks is given to it afterwards (`detail`).

Only pixels under the mask are ever written.
"""

import dataclasses

import cv2
import numpy as np

from kinpaint.completion import regions


@dataclasses.dataclass
class Level:
    """One size of the pyramid.

    Attributes:
        unknown: bool [h, w], the hole at this size.
        deep: bool [h, w], what is taken from the next coarser size.
        windows: what the network paints here, in order.
    """

    unknown: np.ndarray
    deep: np.ndarray
    windows: list[regions.Window]


def plan(mask: np.ndarray, tile: int, reach: int = 0, depth: int = 0) -> list[Level]:
    """What is painted where, finest size first; it depends on the mask alone.

    Args:
        mask: bool [H, W], True in holes.
        tile: largest side in pixels that the network is given: a bound on memory.
        reach: side in pixels of the pictures in which the network is trusted with a hole of
            any depth. Default: `tile`.
        depth: pixels from a hole's edge to which it is trusted in larger pictures. Default:
            an eighth of `reach`.
    """
    reach = min(reach or tile, tile)
    depth = depth or max(reach // 8, 1)
    levels, unknown, needed = [], mask, mask
    while needed.any():
        whole = max(unknown.shape) <= reach
        deep = np.zeros_like(unknown) if whole else needed & (_depth(unknown) > depth)
        shallow = needed & ~deep
        if whole:
            windows = [regions.Window(regions.Box(0, 0, *unknown.shape), shallow)]
        else:
            windows = regions.plan(shallow, tile)
        levels.append(Level(unknown, deep, windows))
        needed, unknown = _needed_of(deep, unknown)
    return levels


def fill(predict, image, mask, tile, reach=0, depth=0):
    """Fills the holes.

    Args:
        predict: (uint8 [1, h, w, 3], uint8 [1, h, w, 1]) -> uint8 [1, h, w, 3].
        image: uint8 [H, W, 3].
        mask: bool [H, W], True in holes.
        tile: see `plan`.
        reach: see `plan`.
        depth: see `plan`.

    Returns:
        uint8 [H, W, 3], a new array.
    """
    return paint(predict, image, plan(mask, tile, reach, depth))


def paint(predict, image, levels, step=lambda: None):
    """Carries out a plan; `step` is called before each window. Otherwise as `fill`."""
    pictures = [image]
    for level in levels[:-1]:
        pictures.append(_halved(pictures[-1], level.unknown))
    filled = image.copy()
    for picture, level in zip(reversed(pictures), reversed(levels), strict=False):
        coarse, filled = filled, picture.copy()
        remaining = level.unknown.copy()
        if level.deep.any():
            _enlarge_into(filled, coarse, level.deep)
            remaining &= ~level.deep
        for window in level.windows:
            step()
            inside = window.box.slices
            painted = _completed(predict, filled[inside], remaining[inside])
            np.copyto(filled[inside], painted, where=window.pixels[..., None])
            remaining[inside] &= ~window.pixels
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


def _depth(mask):
    """Distance in pixels to the nearest known pixel; infinite where there is none."""
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)


def _half(shape):
    """Width and height of the next coarser size, for OpenCV."""
    return [max(-(-side // 2), 1) for side in shape[::-1]]


def _needed_of(deep, unknown):
    """What must be painted at half the size for what is deep here, and its unknown."""
    if not deep.any():
        return deep, unknown
    size = _half(unknown.shape)
    touched = cv2.resize(deep.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    # Two pixels more: that far a cubic enlargement looks.
    touched = cv2.dilate(touched.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    halved = _known_share(unknown, size) < 128
    return touched & halved, halved


def _known_share(unknown, size):
    """How much of each coarser pixel is known, uint8 [h, w]: 255 is all of it."""
    return cv2.resize(
        np.where(unknown, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA
    )


def _halved(image, unknown):
    """The picture at half size: means over known pixels."""
    size = _half(unknown.shape)
    share = _known_share(unknown, size)[..., None]
    total = cv2.resize(
        np.where(unknown[..., None], np.uint8(0), image), size, interpolation=cv2.INTER_AREA
    )
    mean = total.astype(np.float32) * 255.0 / np.maximum(share, 1)
    return np.rint(np.minimum(mean, 255.0)).astype(np.uint8)


def _enlarge_into(image, coarse, where):
    """Writes the coarser picture, enlarged, where it is wanted."""
    enlarged = cv2.resize(coarse, where.shape[::-1], interpolation=cv2.INTER_CUBIC)
    np.copyto(image, enlarged, where=where[..., None])
