"""Fixed holes: what two people need to score the same pictures under the same masks.

The hole of the picture with index i depends on (expression, size, seed, i) alone, not
on the batch, the number of processes or a limit. Of a mixture, picture i takes the
family that the golden-ratio sequence picks, so that the shares are kept closely in
every stretch of pictures. `holes.jsonl` records family, share and checksum of every
hole; a report made from it draws the holes again and proves that they are the same.
"""

import functools
import hashlib
import json
import pathlib

import cv2
import numpy as np
import tensorflow as tf

import pipelines.masks
from pipelines.base import files
from pipelines.base.errors import UserError

FORMAT = 1
_HEAD = {"format": int, "masks": str, "image_size": int, "seed": int}
_ROW = {"index": int, "image": str, "family": str, "sha256": str}
_GOLDEN = (5**0.5 - 1) / 2


class Holes:
    """The holes of one evaluation.

    Args:
        masks: an expression for `pipelines.masks`.
        image_size: side, in pixels.
        seed: of all of them.
    """

    def __init__(self, masks, image_size, seed):
        self.masks, self.image_size, self.seed = masks, image_size, seed
        self._terms = pipelines.masks.parse(masks)
        weights = np.array([term.weight for term in self._terms])
        self._shares = np.cumsum(weights / weights.sum())

    def family(self, index):
        """Name of the family that the picture's hole is drawn from."""
        return self._term(index).name

    def __getitem__(self, index):
        """The hole of one picture, bool [S, S, 1], true = hole."""
        draw = _generator(str(self._term(index)), self.image_size)
        return draw(tf.constant([self.seed, 0]), tf.constant(index)).numpy()[0] > 0.5

    def _term(self, index):
        place = (0.5 + index * _GOLDEN) % 1.0
        return self._terms[int(np.searchsorted(self._shares[:-1], place))]


class ListedHoles:
    """The holes of a `holes.jsonl`, checked one by one against its checksums.

    A PNG beside the list (`holes/<index>.png`) stands in for a generator that has
    changed since.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        head, *rows = _read(self.path)
        self.masks, self.image_size, self.seed = head["masks"], head["image_size"], head["seed"]
        self.rows = {row["index"]: row for row in rows}
        self._drawn = Holes(self.masks, self.image_size, self.seed)

    def family(self, index):
        """Name of the family that the list gives."""
        return self.rows[index]["family"]

    def __getitem__(self, index):
        """The hole of one listed picture, bool [S, S, 1]."""
        png = png_path(self.path.parent, index)
        hole = read_png(png) if png.is_file() else self._drawn[index]
        if checksum(hole) != self.rows[index]["sha256"]:
            raise UserError(
                f"hole {index} is not the one that {self.path} lists: the mask generators "
                f"differ from those that drew it; ask for its holes/ folder (--save_holes)"
            )
        return hole


@functools.cache
def _generator(term, size):
    """The compiled mask `index` of `seed`, a function of two tensors."""

    @tf.function
    def draw(seed, index):
        return pipelines.masks.batch(term, seed, 1, size, size, first=index)

    return draw


def write(path, holes, rows):
    """Writes the list: a line about all holes, then one a picture."""
    head = {
        "format": FORMAT,
        "masks": holes.masks,
        "image_size": holes.image_size,
        "seed": holes.seed,
    }
    with open(path, "w") as file:
        for line in [head, *rows]:
            file.write(json.dumps(line) + "\n")


def checksum(hole):
    """SHA-256 of a hole's pixels as bits, first 16 digits."""
    return hashlib.sha256(np.packbits(hole).tobytes()).hexdigest()[:16]


def png_path(directory, index):
    """Where the PNG of a hole lies."""
    return pathlib.Path(directory) / "holes" / f"{index:06d}.png"


def read_png(path):
    """A PNG's hole, bool [H, W, 1]: white, 128 or more, is hole."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise UserError(f"{path} is not a readable picture")
    return picture[..., None] >= 128


def write_png(path, hole):
    """Writes a hole as a PNG, white = hole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.uint8(hole) * 255)


def _read(path):
    try:
        lines = files.rows(path)
        if not lines:
            raise UserError("it is missing or empty")
        if files.checked(lines[0], _HEAD, "line 1")["format"] != FORMAT:
            raise UserError(f"its format is {lines[0]['format']}, not {FORMAT}")
        for number, row in enumerate(lines[1:], 2):
            files.checked(row, _ROW, f"line {number}")
        return lines
    except UserError as error:
        raise UserError(f"cannot read {path} as a holes.jsonl: {error}") from error
