"""What a page is made of: text, tables, charts, pictures; and how it becomes HTML.

The evaluation's page and the report show the same blocks, the presentation draws the same
charts and pictures. Texts are plain and escaped where they are shown; only `Markdown` is
marked up. Pictures are uint8 RGB arrays [H, W, 3].
"""

import dataclasses
import functools
import io
from collections.abc import Callable
from typing import ClassVar

import jinja2
import numpy as np
from PIL import Image

from kinpaint import charts, templates

_LOSSLESS = 96  # px, side up to which a picture is embedded without loss
_QUALITY = 84


@dataclasses.dataclass(frozen=True)
class Text:
    """Sentences; `form` is "text" (a paragraph), "list" or "warning"."""

    sentences: list
    form: str = "text"
    kind: ClassVar[str] = "text"


@dataclasses.dataclass(frozen=True)
class Markdown:
    """A text that a person wrote."""

    source: str
    kind: ClassVar[str] = "markdown"


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
    kind: ClassVar[str] = "table"

    def of_words(self, place):
        """Whether a column holds words, which stand left; figures stand right."""
        starts = "".join(row[place].text[:1] for row in self.rows)
        return place == 0 or not any(c.isdigit() or c in "+-\N{MINUS SIGN}–" for c in starts)


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        caption: what it shows; to be read without the text around it.
        draw: draws it on a matplotlib `Figure` or `SubFigure`.
        height: inches, of a width of 6.2.
    """

    caption: str
    draw: Callable
    height: float = 3.6
    kind: ClassVar[str] = "chart"


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A grid: a row a photo, (label, [picture of each column])."""

    caption: str
    columns: list
    rows: list
    kind: ClassVar[str] = "pictures"


@dataclasses.dataclass(frozen=True)
class Film:
    """The same pictures again and again during training; a label a frame."""

    caption: str
    frames: list[np.ndarray]
    labels: list[str]
    kind: ClassVar[str] = "film"


def environment(package, **filters):
    """The templates of a package, which may import "blocks.html.j2" and "style.html.j2"."""
    made = templates.environment(
        package,
        chart=lambda block: charts.svg(block.draw, height=block.height),
        picture=picture_uri,
        film=film_uri,
        markdown=markdown_html,
        **filters,
    )
    made.loader = jinja2.ChoiceLoader([made.loader, jinja2.PackageLoader("kinpaint", "html")])
    return made


def picture_uri(array):
    """A picture as WebP in a data URI; small ones without loss."""
    small = max(array.shape[:2]) <= _LOSSLESS
    return _uri(Image.fromarray(array), lossless=small, quality=_QUALITY, method=4)


def film_uri(block):
    """A `Film` as one animated WebP that repeats and rests on its last frame."""
    first, *rest = [
        Image.fromarray(labelled(frame, label))
        for frame, label in zip(block.frames, block.labels, strict=True)
    ]
    times = [350] * len(rest) + [2500]  # ms
    return _uri(first, save_all=True, append_images=rest, duration=times, quality=_QUALITY)


def labelled(frame, label):
    """A frame with a line of text below it, uint8; small frames are enlarged."""
    from PIL import ImageDraw, ImageFont

    times = max(1, round(900 / frame.shape[1]))
    image = Image.fromarray(frame)
    image = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (image.width, image.height + 34), "white")
    framed.paste(image, (0, 0))
    font = ImageFont.load_default(18)
    ImageDraw.Draw(framed).text((4, image.height + 6), label, charts.INK, font)
    return np.asarray(framed)


def _uri(image, **settings):
    content = io.BytesIO()
    image.save(content, "WEBP", **settings)
    return templates.data_uri(content.getvalue(), "webp")


@functools.cache
def _parser():
    """Raw HTML is shown as text, and pictures are not taken over: a page asks for nothing."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def markdown_html(source):
    """A person's Markdown as safe HTML."""
    return _parser().render(source)


def markdown_sentences(source):
    """The items of its lists, or else each paragraph's first sentence; plain text."""
    listed, paragraphs, depth, heading = [], [], 0, False
    for token in _parser().parse(source):
        depth += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        heading = token.type == "heading_open" or (heading and token.type == "inline")
        if token.type == "inline" and not heading:
            parts = (" " if "break" in t.type else t.content for t in token.children)
            (listed if depth else paragraphs).append("".join(parts).strip().rstrip(";"))
    return listed or [text.partition(". ")[0].rstrip(".") + "." for text in paragraphs]
