"""What report and slides are made of; HTML and film draw the same blocks.

Texts are plain and are escaped where they are shown; only `Markdown` is marked up.
Pictures are uint8 RGB arrays [H, W, 3].
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np


@dataclasses.dataclass(frozen=True)
class Text:
    """Sentences that were generated from figures.

    Attributes:
        sentences: plain text.
        kind: "text", a paragraph; "list"; or "warning", a paragraph to beware of.
    """

    sentences: list
    kind: str = "text"


@dataclasses.dataclass(frozen=True)
class Markdown:
    """A text that a person wrote."""

    kind: ClassVar[str] = "markdown"
    source: str


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """A block with a caption: what a slide may show beside its bullets.

    Attributes:
        kind: what it is, for those who draw it.
        wide: whether it wants a slide's full width.
        caption: what it shows, in words.
    """

    kind: ClassVar[str]
    wide: ClassVar[bool] = False
    caption: str


@dataclasses.dataclass(frozen=True)
class Cell:
    """A table's cell: `small` stands below the text; `best` marks it."""

    text: str
    small: str = ""
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Table(Exhibit):
    """A table of `Cell`s; the first column names its row."""

    kind: ClassVar[str] = "table"
    header: list
    rows: list

    def of_words(self, place):
        """Whether a column holds words, which stand left; figures stand right."""
        starts = "".join(row[place].text[:1] for row in self.rows)
        return place == 0 or not any(c.isdigit() or c in "+-\N{MINUS SIGN}–" for c in starts)

    @property
    def wide(self):
        """Where it has many columns."""
        return len(self.header) > 5


@dataclasses.dataclass(frozen=True)
class Chart(Exhibit):
    """A matplotlib figure made by `charts`."""

    kind: ClassVar[str] = "chart"
    figure: Any


@dataclasses.dataclass(frozen=True)
class Pictures(Exhibit):
    """A grid: a row a photo, (label, [picture of each column])."""

    kind: ClassVar[str] = "pictures"
    columns: list
    rows: list

    @property
    def wide(self):
        """Where the grid is much broader than tall."""
        tall, across = self.rows[0][1][0].shape[:2]
        return len(self.columns) * across > 1.4 * len(self.rows) * tall


@dataclasses.dataclass(frozen=True)
class Film(Exhibit):
    """The same pictures again and again during training; a label a frame."""

    kind: ClassVar[str] = "film"
    wide: ClassVar[bool] = True
    frames: list[np.ndarray]
    labels: list[str]


@dataclasses.dataclass(frozen=True)
class Slide:
    """One page of the presentation.

    Attributes:
        title: heading.
        bullets: sentences.
        exhibit: the `Exhibit` beside them, or None.
        opening: whether it is the title page; its first bullet is the subtitle.
    """

    title: str
    bullets: list
    exhibit: Exhibit | None = None
    opening: bool = False


@dataclasses.dataclass(frozen=True)
class Section:
    """One chapter.

    Attributes:
        key: its anchor, and the name of the Markdown file that adds to it.
        title: heading.
        blocks: what the report shows.
        slides: what the presentation shows.
    """

    key: str
    title: str
    blocks: list
    slides: list = dataclasses.field(default_factory=list)
