"""Click an object and have its outline: GrabCut (Rother et al., SIGGRAPH 2004), by OpenCV.

A click says less than the box that GrabCut was made for, so the first guess comes from the
picture: how far every place is from the clicks along paths of like colour (a geodesic
distance) decides what probably belongs to the object. Further clicks, on the object or beside
it, are facts that the cut keeps. It works on a copy of at most `PIXELS` pixels, since an
outline needs no more; the outline is then enlarged, smooth, to the photo's size.
"""

from collections.abc import Sequence

import cv2
import numpy as np

PIXELS = 90_000  # of the copy that is cut: under a second on one core
_ROUNDS = 3
Point = tuple[float, float]  # x and y, each from 0 to 1


def reduced_level(width: int, height: int, depth: int) -> int:
    """The pyramid's level to cut: the finest with at most four times `PIXELS`."""
    return next((z for z in range(depth) if (width >> z) * (height >> z) <= 4 * PIXELS), depth)


def outline(
    picture: np.ndarray,
    keep: Sequence[Point],
    remove: Sequence[Point],
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    """The object that clicks or a box mean.

    Args:
        picture: uint8 [h, w, 3].
        keep: [(x, y)], each from 0 to 1, on the object.
        remove: [(x, y)] beside it.
        box: (left, top, right, bottom), each from 0 to 1, around it; or None.

    Returns:
        float32 [h', w'] from -0.5 to 0.5, positive inside, at the size that was cut.
    """
    height, width = picture.shape[:2]
    scale = min((PIXELS / (width * height)) ** 0.5, 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.bilateralFilter(small, 5, 30, 5)
    marks = _first_guess(small, _places(keep, size), _places(remove, size), box)
    if _both(marks):
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)  # its k-means draws: the same clicks give the same outline
        cv2.grabCut(small, marks, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    inside = _around_clicks(inside, _places(keep, size))
    inside = _without_pinholes(inside)
    return cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0) - 0.5


def enlarged(outline_: np.ndarray, width: int, height: int, grow: float) -> np.ndarray:
    """An outline at the photo's size.

    Args:
        outline_: from `outline`.
        width: of the photo.
        height: of the photo.
        grow: pixels of the photo by which it is grown.

    Returns:
        bool [height, width].
    """
    levels = np.rint((outline_ + 0.5) * 255).astype(np.uint8)
    inside = cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR) > 127
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if grow and rows.size:
        far = int(np.ceil(grow)) + 1
        near = tuple(slice(max(k[0] - far, 0), k[-1] + far + 1) for k in (rows, columns))
        outside = (~inside[near]).astype(np.uint8)
        inside[near] = cv2.distanceTransform(outside, cv2.DIST_L2, 5) <= grow
    return inside


def _places(points, size):
    width, height = size
    return [
        (min(max(int(x * width), 0), width - 1), min(max(int(y * height), 0), height - 1))
        for x, y in points
    ]


def _both(marks):
    """Whether there is something of each side, which GrabCut's colour models need."""
    front = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return front.any() and not front.all()


def _first_guess(small, keep, remove, box):
    """GrabCut's marks before its first round."""
    height, width = small.shape[:2]
    marks = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    radius = max(round(0.012 * max(height, width)), 1)
    if box:
        left, top, right, bottom = box
        inside = np.zeros((height, width), bool)
        rows = slice(int(top * height), max(round(bottom * height), int(top * height) + 1))
        inside[rows, int(left * width) : max(round(right * width), int(left * width) + 1)] = (
            True
        )
        marks[inside], marks[~inside] = cv2.GC_PR_FGD, cv2.GC_BGD
    if keep and not box:
        away = [*remove, *_frame(keep, width, height)]
        nearer = _geodesic(small, keep) < _geodesic(small, away) if away else True
        marks[np.broadcast_to(nearer, marks.shape)] = cv2.GC_PR_FGD
    for places, mark in ((remove, cv2.GC_BGD), (keep, cv2.GC_FGD)):
        for place in places:
            cv2.circle(marks, place, radius, int(mark), -1)
    return marks


def _frame(keep, width, height):
    """Places along the picture's edge, thinly, but none beside a click."""
    clear = 0.1 * max(width, height)
    edge = [(x, y) for x in range(0, width, 4) for y in (0, height - 1)]
    edge += [(x, y) for y in range(0, height, 4) for x in (0, width - 1)]
    return [(x, y) for x, y in edge if all(np.hypot(x - a, y - b) > clear for a, b in keep)]


def _geodesic(small, places):
    """Cost of the cheapest path from any of the places, [h, w]: colour steps and length."""
    from skimage.graph import MCP_Geometric

    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    steps = [cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)]
    edges = np.sqrt(sum(step**2 for step in steps).sum(axis=-1))
    costs, _ = MCP_Geometric(edges + 4.0).find_costs([(y, x) for x, y in places])
    return costs


def _around_clicks(inside, keep):
    """Without what hangs together with no click; everything where there is no click."""
    _, labels = cv2.connectedComponents(inside.astype(np.uint8))
    wanted = {int(labels[y, x]) for x, y in keep} - {0}
    return np.isin(labels, list(wanted)) if wanted else inside


def _without_pinholes(inside):
    """With holes of less than a hundredth of the object closed."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~inside).astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < max(inside.sum() // 100, 4)
    small[0] = False  # the object itself
    return inside | small[labels] if count > 1 else inside
