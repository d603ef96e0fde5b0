"""What a section of a picture's page holds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: of its file, behind the picture's.
        caption: below it.
        png: the file's bytes.
    """

    name: str
    caption: str
    png: bytes


@dataclasses.dataclass(frozen=True)
class Section:
    """A section; one that cannot be had holds its reason and nothing else.

    Attributes:
        key: of its figures in explain.json.
        title: heading.
        reason: why it cannot be had.
        facts: for explain.json.
        text: paragraphs.
        header: of the table.
        rows: of the table.
        drawings: its figures.
    """

    key: str
    title: str
    reason: str = ""
    facts: dict = dataclasses.field(default_factory=dict)
    text: tuple = ()
    header: tuple = ()
    rows: tuple = ()
    drawings: tuple = ()
