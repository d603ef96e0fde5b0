"""Searches the training photos, once, for the windows of all pictures.

Everything is compared at one size, `SIDE` pixels at most, with windows of a quarter of
it: photos as the centred squares that scores are taken on, and mirrored. Other crops that
training cut are not searched.
"""

import dataclasses

import cv2
import numpy as np

from kinpaint.interpretation import nearest
from pipelines import cli, photos

SIDE = 64
WINDOWS = 6  # searched for in each picture
_BATCH = 8


@dataclasses.dataclass(frozen=True)
class Found:
    """What the search gave for one picture.

    Attributes:
        reason: why nothing was searched; then the rest is empty.
        photos: how many were searched.
        side: of the windows, pixels of the reduced picture.
        size: side of the photos compared, pixels.
        filled: (window uint8 [p, p, 3], `nearest.Match`, name of its photo) of the filling.
        truth: the same of the truth.
        holes: bool [p, p] of each window: what was compared.
        withheld: names of photos that are named and not shown.
    """

    reason: str = ""
    photos: int = 0
    side: int = 0
    size: int = 0
    filled: tuple = ()
    truth: tuple = ()
    holes: tuple = ()
    withheld: frozenset = frozenset()


def search(subjects, fillings, chosen, may_show):
    """The training patches nearest to fillings and truths.

    Args:
        subjects: list of `case.Subject`.
        fillings: their pictures filled, each uint8 [H, W, 3].
        chosen: list of `pipelines.photos.Photo` to search.
        may_show: whether the photo of a name may be shown.

    Returns:
        A list of `Found`, one a subject.
    """
    size = min(SIDE, *(min(subject.hole.shape) for subject in subjects))
    side = max(size // 4, 1)
    patches, weights, counts = [], [], []
    for subject, filling in zip(subjects, fillings, strict=True):
        shares = _resized(subject.hole.astype(np.float32), size)
        corners = nearest.windows(shares, side, WINDOWS)
        counts.append(len(corners))
        for picture in (filling, subject.truth):
            small = _resized(picture.astype(np.float32), size) / 127.5 - 1.0
            patches += [small[y : y + side, x : x + side] for y, x in corners]
            weights += [shares[y : y + side, x : x + side] for y, x in corners]
    matches = nearest.search(np.stack(patches), np.stack(weights), _batches(chosen, size))
    shown = [
        (np.uint8(np.rint((patch + 1.0) * 127.5)), match, chosen[match.place[0]].name)
        for patch, match in zip(patches, matches, strict=True)
    ]
    found, start = [], 0
    for count in counts:
        filled, truth = shown[start : start + count], shown[start + count : start + 2 * count]
        holes = [share > 0 for share in weights[start : start + count]]
        names = {name for _, _, name in (*filled, *truth)}
        withheld = frozenset(name for name in names if not may_show(name))
        groups = map(tuple, (filled, truth, holes))
        found.append(Found("", len(chosen), side, size, *groups, withheld))
        start += 2 * count
    return found


def _batches(chosen, size):
    """(indices, float32 [N, size, size, 3] in [-1, 1]) of all photos that can be read."""
    dataset = photos.evaluation(chosen, image_size=size, batch_size=_BATCH)
    with cli.progress(total=len(chosen), desc="search", unit="photo") as bar:
        for batch in dataset.as_numpy_iterator():
            yield batch["index"], batch["image"]
            bar.update(len(batch["index"]))


def _resized(picture, size):
    """[H, W, ...] with its shorter side `size` pixels; never enlarged."""
    shorter = min(picture.shape[:2])
    if shorter == size:
        return picture
    target = [round(length * size / shorter) for length in picture.shape[1::-1]]
    return cv2.resize(picture, target, interpolation=cv2.INTER_AREA)
