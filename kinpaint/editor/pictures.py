"""Pixels on disk: a photograph as a pyramid, and what each filling changed of it.

Level 0 is the photo, uint8 [H, W, 3]; each further level halves it (means of 2x2, edges
repeated), until the longest side fits a tile. A filling is a *layer*: the box it changed,
widened to multiples of 2^depth so that it halves exactly as the photo does, with a pyramid of
its own. Any part of any state is then the photo's part with the layers' parts laid over it,
read through memory maps: 50 megapixels are looked at without 50 megapixels in memory.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

import cv2
import numpy as np

TILE = 512


def depth_of(width: int, height: int) -> int:
    """How often a picture of this size is halved."""
    depth = 0
    while max(width, height) > TILE << depth:
        depth += 1
    return depth


def level_size(width: int, height: int, level: int) -> tuple[int, int]:
    """(width, height) of a level."""
    return -(-width >> level), -(-height >> level)


def halved(pixels: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels, rounded; an odd last row or column counts twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    size = pixels.shape[1] // 2, pixels.shape[0] // 2
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


@dataclasses.dataclass(frozen=True)
class Layer:
    """Pixels of a box, at all levels, in a folder.

    Attributes:
        folder: holds `0.npy`, `1.npy`, ..., and a filling's `hole.npy`, bool.
        left, top, width, height: of the box, in pixels of the photo.
    """

    folder: pathlib.Path
    left: int
    top: int
    width: int
    height: int

    def part(self, level: int) -> tuple[int, int, np.ndarray]:
        """(left, top, pixels as a memory map) at a level."""
        pixels = np.load(self.folder / f"{level}.npy", mmap_mode="r")
        return self.left >> level, self.top >> level, pixels

    @property
    def slices(self) -> tuple[slice, slice]:
        """Indices of the box in the photo."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


def store(
    folder: pathlib.Path, pixels: np.ndarray, depth: int, left: int = 0, top: int = 0
) -> Layer:
    """Writes a pyramid of `pixels`, uint8 [h, w, 3]; the Layer."""
    folder.mkdir()
    height, width = pixels.shape[:2]
    for level in range(depth + 1):
        pixels = halved(pixels) if level else pixels
        np.save(folder / f"{level}.npy", np.ascontiguousarray(pixels))
    return Layer(folder, left, top, width, height)


def store_filling(
    folder: pathlib.Path, image: np.ndarray, filled: np.ndarray, hole: np.ndarray, depth: int
) -> Layer:
    """Writes what a filling changed.

    Only pixels of the hole are taken from `filled`, whatever the model did elsewhere.

    Args:
        folder: to be made.
        image: uint8 [H, W, 3] before.
        filled: uint8 [H, W, 3] after.
        hole: bool [H, W], somewhere True.
        depth: of the photo's pyramid.

    Returns:
        The Layer.
    """
    height, width = hole.shape
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    step = 1 << depth
    top, left = rows[0] // step * step, columns[0] // step * step
    bottom = min(-(-(rows[-1] + 1) // step) * step, height)
    right = min(-(-(columns[-1] + 1) // step) * step, width)
    box = slice(top, bottom), slice(left, right)
    pixels = np.where(hole[box][..., None], filled[box], image[box])
    layer = store(folder, pixels, depth, int(left), int(top))
    np.save(folder / "hole.npy", hole[box])
    return layer


def region(
    layers: Sequence[Layer], level: int, left: int, top: int, right: int, bottom: int
) -> np.ndarray:
    """Part of a state, uint8 [h, w, 3], a new array.

    Args:
        layers: the photo's Layer, then those of the fillings, oldest first.
        level: of the pyramid.
        left: in pixels of the level; what lies beside the picture is cut off.
        top: likewise.
        right: likewise.
        bottom: likewise.
    """
    photo = layers[0].part(level)[2]
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, photo.shape[1]), min(bottom, photo.shape[0])
    shown = np.array(photo[top:bottom, left:right])
    for layer in layers[1:]:
        first, above, patch = layer.part(level)
        x0, x1 = max(left, first), min(right, first + patch.shape[1])
        y0, y1 = max(top, above), min(bottom, above + patch.shape[0])
        if x0 < x1 and y0 < y1:
            inside = patch[y0 - above : y1 - above, x0 - first : x1 - first]
            shown[y0 - top : y1 - top, x0 - left : x1 - left] = inside
    return shown


def whole(layers: Sequence[Layer], level: int = 0) -> np.ndarray:
    """A whole state at a level, uint8 [h, w, 3]."""
    return region(layers, level, 0, 0, layers[0].width, layers[0].height)


def hole_of(layers: Sequence[Layer]) -> np.ndarray:
    """All pixels that fillings changed, bool [H, W]."""
    hole = np.zeros((layers[0].height, layers[0].width), bool)
    for layer in layers[1:]:
        hole[layer.slices] |= np.load(layer.folder / "hole.npy", mmap_mode="r")
    return hole
