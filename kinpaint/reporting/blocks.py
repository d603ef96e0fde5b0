"""What report and slides are made of; HTML and film draw the same blocks.

Texts are plain and are escaped where they are shown; only `Markdown` is marked up.
Pictures are uint8 RGB arrays [H, W, 3].
"""

import dataclasses
from typing import Any

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

    source: str
    kind: str = "markdown"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A table's cell: `small` stands below the text; `best` marks it."""

    text: str
    small: str = ""
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of `Cell`s; the first column names its row."""

    caption: str
    header: list
    rows: list
    kind: str = "table"

    def of_words(self, place):
        """Whether a column holds words, which stand left; figures stand right."""
        starts = "".join(row[place].text[:1] for row in self.rows)
        return place == 0 or not any(c.isdigit() or c in "+-\N{MINUS SIGN}–" for c in starts)

    @property
    def wide(self):
        """Whether it wants a slide's full width."""
        return len(self.header) > 5


@dataclasses.dataclass(frozen=True)
class Chart:
    """A matplotlib figure made by `charts`."""

    caption: str
    figure: Any
    kind: str = "chart"
    wide: bool = False


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A grid: a row a photo, (label, [picture of each column])."""

    caption: str
    columns: list
    rows: list
    kind: str = "pictures"

    @property
    def wide(self):
        """Whether it wants a slide's full width."""
        tall, across = self.rows[0][1][0].shape[:2]
        return len(self.columns) * across > 1.4 * len(self.rows) * tall


@dataclasses.dataclass(frozen=True)
class Film:
    """The same pictures again and again during training; a label a frame."""

    caption: str
    frames: list[np.ndarray]
    labels: list[str]
    kind: str = "film"
    wide: bool = True


@dataclasses.dataclass(frozen=True)
class Slide:
    """One page of the presentation.

    Attributes:
        title: heading.
        bullets: sentences.
        exhibit: the block beside them, or None.
        opening: whether it is the title page; its first bullet is the subtitle.
    """

    title: str
    bullets: list
    exhibit: Any = None
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
