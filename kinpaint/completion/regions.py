"""Which parts of a large photo the network looks at.

Holes are found on a grid of cells, so that the work depends little on the
number of pixels, joined into groups that share one window, and each group gets
a window with known pixels around it.
"""

import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass
class Box:
    """Rows [top, bottom) and columns [left, right)."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def slices(self):
        """Indexes an array [H, W, ...]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def longest(self):
        """The longer side in pixels."""
        return max(self.bottom - self.top, self.right - self.left)

    def union(self, other):
        """The smallest box around both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


@dataclasses.dataclass
class Region:
    """Holes that are filled together.

    Attributes:
        window: what the network sees, holes and surroundings.
        holes: bool, shaped as the window: the pixels to fill; other holes may be
            in sight, but are filled with their own region.
    """

    window: Box
    holes: np.ndarray


def plan(mask, tile):
    """Yields the regions of a picture.

    Args:
        mask: bool [H, W], True in holes.
        tile: largest side in pixels that the network takes at once.
    """
    cell = max(tile // 32, 1)
    labels, boxes = _holes(mask, cell)
    for box, members in _grouped(boxes, tile):
        window = _window(box, mask.shape, tile)
        yield Region(window, _own_holes(mask, labels, cell, window, members))


def _holes(mask, cell):
    """Labels of connected cells with a hole, and {label: Box in pixels}."""
    height, width = mask.shape
    rows, columns = np.arange(0, height, cell), np.arange(0, width, cell)
    cells = np.logical_or.reduceat(mask, rows, axis=0)
    cells = np.logical_or.reduceat(cells, columns, axis=1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
    boxes = {}
    for label in range(1, count):
        left, top, wide, high, _ = (stats[label] * cell).tolist()
        bottom, right = min(top + high, height), min(left + wide, width)
        boxes[label] = Box(top, left, bottom, right)
    return labels, boxes


def _grouped(boxes, tile):
    """Joins boxes that one window can hold, first come first joined."""
    groups = []
    for label, box in boxes.items():
        for group in reversed(groups):
            union = group[0].union(box)
            if fits(union, tile):
                group[0] = union
                group[1].append(label)
                break
        else:
            groups.append([box, [label]])
    return groups


def fits(box, tile):
    """Whether a window of `tile` pixels leaves an eighth of it known on every side."""
    return box.longest + 2 * (tile // 8) <= tile


def _window(box, shape, tile):
    """The box and its surroundings: as much again as the box, at least half a tile.

    A window that fits a tile has a multiple of 64 pixels where the picture allows, so that few
    shapes occur.
    """
    side = max(tile // 2, 2 * box.longest)
    side = min(-(-side // 64) * 64, tile) if fits(box, tile) else side
    top, bottom = _span(box.top, box.bottom, side, shape[0])
    left, right = _span(box.left, box.right, side, shape[1])
    return Box(top, left, bottom, right)


def _span(start, stop, side, limit):
    """`side` pixels centred on [start, stop), moved to lie within [0, limit)."""
    side = min(side, limit)
    first = min(max((start + stop - side) // 2, 0), limit - side)
    return first, first + side


def _own_holes(mask, labels, cell, window, members):
    """Hole pixels of the window whose cell belongs to one of the members."""
    rows = np.arange(window.top, window.bottom) // cell
    columns = np.arange(window.left, window.right) // cell
    mine = np.zeros(labels.max() + 1, bool)
    mine[members] = True
    return mask[window.slices] & mine[labels][rows[:, None], columns]
