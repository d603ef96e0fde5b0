"""Fixed holes: what two people need to score the same pictures under the same masks.

The one way in which holes are drawn to be scored: `pipelines.build`, `kinpaint.eval`,
`kinpaint.explain` and the validation of a training draw theirs here. The hole of the
picture with index i depends on (expression, size, seed, i) alone, not on the batch, the
number of processes or a limit. Of a mixture, picture i takes the family that the
golden-ratio sequence picks, so that the shares are kept closely in every stretch of
pictures, and the family draws as it would alone. `holes.jsonl` records family, share and
checksum of every hole; a report made from it draws the holes again and proves that they
are the same.
"""

import functools
import hashlib
import json
import pathlib

import numpy as np

import pipelines.masks
from pipelines import listing, mask_rules, stored
from pipelines.base import files, identity
from pipelines.base.errors import UserError
from pipelines.base.late import tf

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

    Raises:
        UserError: an unknown family or setting.
    """

    def __init__(self, masks, image_size, seed):
        self.masks, self.image_size, self.seed = masks, image_size, seed
        self._terms = pipelines.masks.parse(masks)
        weights = np.array([term.weight for term in self._terms])
        self._shares = np.cumsum(weights / weights.sum())

    def made_of(self):
        """What decides the holes, for `identity.of`."""
        return [*self._made_of, self.seed]

    @functools.cached_property
    def _made_of(self):
        return [pipelines.masks.made_of(self.masks), self.image_size]

    def family(self, index):
        """Name of the family that the picture's hole is drawn from.

        Where a mixture has a family twice, its settings stand behind the name.
        """
        term = self._terms[self.term(index)]
        twice = sum(other.name == term.name for other in self._terms) > 1
        return str(term).partition("*")[2] if twice else term.name

    def term(self, index):
        """Which term of the mixture, counted from 0, the picture's hole is drawn from."""
        place = (0.5 + index * _GOLDEN) % 1.0
        return int(np.searchsorted(self._shares[:-1], place))

    def drawn(self, term, index):
        """The mask of a picture in a graph.

        Args:
            term: what `term(index)` gave, an int32 tensor or a number.
            index: of the picture, an int64 tensor.

        Returns:
            float32 [1, S, S, 1], 1 = hole.
        """
        seed, side = tf.constant([self.seed, 0]), self.image_size
        ways = [
            functools.partial(pipelines.masks.batch, str(t), seed, 1, side, side, first=index)
            for t in self._terms
        ]
        return ways[0]() if len(ways) == 1 else tf.switch_case(term, ways)

    def __getitem__(self, index):
        """The hole of one picture, bool [S, S, 1], true = hole."""
        draw = _compiled(self.masks, self.image_size, self.seed, identity.of(self._made_of))
        term = tf.constant(self.term(index))
        return draw(term, tf.constant(index, tf.int64)).numpy()[0] > 0.5


@functools.lru_cache(maxsize=16)
def _compiled(masks, image_size, seed, made_of):
    """`Holes.drawn`, compiled once a process, and anew where mask pictures changed."""
    del made_of
    return tf.function(Holes(masks, image_size, seed).drawn)


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

    def made_of(self):
        """What decides the holes, for `identity.of`: the checksums, wherever they came from."""
        rows = [[index, row["family"], row["sha256"]] for index, row in self.rows.items()]
        return [self.image_size, rows]

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


def write(path, holes, rows):
    """Writes the list: a line about all holes, then one a picture."""
    head = {
        "format": FORMAT,
        "masks": holes.masks,
        "image_size": holes.image_size,
        "seed": holes.seed,
    }
    with open(path, "w", encoding="utf-8") as file:
        for line in [head, *rows]:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def checksum(hole):
    """SHA-256 of a hole's pixels as bits, first 16 digits."""
    return hashlib.sha256(np.packbits(hole).tobytes()).hexdigest()[:16]


def png_path(directory, index):
    """Where the PNG of a hole lies."""
    return pathlib.Path(directory) / "holes" / f"{index:06d}.png"


def read_png(path):
    """A PNG's hole, bool [H, W, 1]: white, 128 or more, is hole."""
    try:
        return mask_rules.hole_in(path)[..., None]
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def write_png(path, hole):
    """Writes a hole as a PNG, white = hole, in a folder that is marked as written."""
    listing.mark_written(path.parent)
    stored.write_png(path, np.uint8(hole[..., 0]) * 255)


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
