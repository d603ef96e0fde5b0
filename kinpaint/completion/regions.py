"""Which windows of a photo the network looks at.

The work goes by the hole pixels, not by the number of holes or the size of the photo. Holes
are found on a grid of cells; one that no window could hold with known pixels around it is cut
along a grid that is the same for all, so that twenty scratches beside each other share the
windows that one of them alone would need; then whatever one window can hold is put together.
Where all holes cut along the grid need far fewer pixels than that, they are cut.
"""

import dataclasses

import cv2
import numpy as np

# How many of the last groups a further hole is tried with: in reading order its neighbours are
# among them, and a page of specks does not cost the square of their number.
_TRIED = 64
_WORTH_CUTTING = 0.8  # of the pixels


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
class Window:
    """What the network sees at once, and what of it is written.

    Attributes:
        box: the pixels seen, holes and surroundings.
        pixels: bool, shaped as the box: the pixels to fill; others may be unknown as well,
            but belong to another window.
    """

    box: Box
    pixels: np.ndarray


def plan(holes: np.ndarray, tile: int) -> list[Window]:
    """The windows that fill every hole pixel exactly once, in reading order.

    Args:
        holes: bool [H, W], True where pixels are to be filled.
        tile: largest side in pixels that the network takes at once.
    """
    whole, cut = (_windows(holes, tile, cut_all) for cut_all in (False, True))
    # A hole is better painted in one window than in two, so cutting must be worth it.
    return cut if _pixels(cut) < _WORTH_CUTTING * _pixels(whole) else whole


def _windows(holes, tile, cut_all):
    cell = max(tile // 32, 1)
    labels, boxes = _pieces(holes, cell, tile, cut_all)
    windows = []
    for box, members in _grouped(boxes, tile):
        seen = _window(box, holes.shape, tile)
        windows.append(Window(seen, _own_pixels(holes, labels, cell, seen, members)))
    return windows


def _pixels(windows):
    """How many pixels the network sees."""
    return sum(window.pixels.size for window in windows)


def _pieces(holes, cell, tile, cut_all):
    """Labels of cells, and {label: Box in pixels} of what one window can hold.

    What is too large for that is cut along the common grid; or everything is.
    """
    height, width = holes.shape
    rows, columns = np.arange(0, height, cell), np.arange(0, width, cell)
    cells = np.logical_or.reduceat(holes, rows, axis=0)
    cells = np.logical_or.reduceat(cells, columns, axis=1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8))
    step = max((tile - 2 * (tile // 8)) // cell, 1)  # cells a side of the common grid
    to_cut = (stats[:, 2:4].max(axis=1) > step) | cut_all
    to_cut[0] = False
    if to_cut.any():  # every cut piece is known by its place on the grid
        across = -(-cells.shape[1] // step)
        by_row, by_column = (np.arange(len(x)) // step for x in (rows, columns))
        places = np.add.outer(by_row * across, by_column)
        labels = np.where(to_cut[labels], len(stats) + places, labels)
    return labels, {
        label: Box(
            int(rows[0]) * cell,
            int(columns[0]) * cell,
            min(int(rows[1]) * cell, height),
            min(int(columns[1]) * cell, width),
        )
        for label, (rows, columns) in _extents(labels)
    }


def _extents(labels):
    """(label, ((top, bottom), (left, right))) in cells of each label, by its first cell."""
    rows, columns = np.nonzero(labels)
    if not len(rows):
        return []
    names, first, inverse = np.unique(
        labels[rows, columns], return_index=True, return_inverse=True
    )
    spans = []
    for positions in (rows, columns):
        low = np.full(len(names), labels.size)
        high = np.zeros(len(names), int)
        np.minimum.at(low, inverse, positions)
        np.maximum.at(high, inverse, positions)
        spans.append(np.stack([low, high + 1], axis=1))
    order = np.argsort(first, kind="stable")
    return [(int(names[k]), (spans[0][k], spans[1][k])) for k in order]


def _grouped(boxes, tile):
    """Joins boxes that one window can hold, first come first joined."""
    groups = []
    for label, box in boxes.items():
        for group in reversed(groups[-_TRIED:]):
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

    A window has a multiple of 64 pixels where the picture allows, so that few shapes occur.
    """
    side = max(tile // 2, 2 * box.longest)
    side = min(-(-side // 64) * 64, tile)
    top, bottom = _span(box.top, box.bottom, side, shape[0])
    left, right = _span(box.left, box.right, side, shape[1])
    return Box(top, left, bottom, right)


def _span(start, stop, side, limit):
    """`side` pixels centred on [start, stop), moved to lie within [0, limit)."""
    side = min(side, limit)
    first = min(max((start + stop - side) // 2, 0), limit - side)
    return first, first + side


def _own_pixels(holes, labels, cell, seen, members):
    """Hole pixels of the window whose cell belongs to one of the members."""
    rows = np.arange(seen.top, seen.bottom) // cell
    columns = np.arange(seen.left, seen.right) // cell
    return holes[seen.slices] & np.isin(labels[rows[:, None], columns], members)
