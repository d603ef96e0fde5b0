"""The difficulty ladder: image size, classes and holes that grow together.

Three axes rise from level to level: the side of the picture (64 to 256 px),
the animals (cats alone, then all), and the holes (one centred square, a placed
rectangle, several rectangles, thin strokes, thick strokes and blobs). `--level=N` in
any binary is short for the settings below; an explicit flag beside it wins.

The share of hole is part of a level, so that the error over the whole picture rises from
rung to rung. Within the hole alone thin strokes are easier than rectangles, since
known pixels are never far.
"""

import dataclasses

from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Level:
    """One rung.

    Attributes:
        name: a word for tables.
        image_size: side of the square pictures, in pixels.
        classes: folders to draw from; empty means all.
        masks: an expression for `pipelines.masks`.
    """

    name: str
    image_size: int
    classes: tuple[str, ...]
    masks: str


LEVELS = {
    1: Level("square", 64, ("cats",), "center(size=0.25)"),
    2: Level("placed", 64, ("cats",), "rectangles(count=1, hole=(0.08, 0.12))"),
    3: Level("several", 64, (), "rectangles(count=3, hole=(0.15, 0.2))"),
    4: Level("thin", 128, (), "thin(hole=(0.35, 0.45))"),
    5: Level("thick", 128, (), "thick(hole=(0.3, 0.4))"),
    6: Level("full", 256, (), "0.5*thick(hole=(0.4, 0.5)) + 0.5*irregular(hole=(0.4, 0.5))"),
}


def get(number):
    """The level of that number; raises UserError naming the known ones."""
    if number not in LEVELS:
        known = ", ".join(f"{n} ({level.name})" for n, level in LEVELS.items())
        raise UserError(f"there is no level {number}: choose one of {known}")
    return LEVELS[number]
