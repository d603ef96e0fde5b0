"""Markdown that a person wrote, as safe HTML and as bullets.

Raw HTML is shown as text, and pictures are not taken over: a page asks for nothing from
outside, and shows only what may be shown.
"""

import functools
import re

MOST_BULLETS = 5


@functools.cache
def _parser():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def to_html(source):
    """The text as HTML."""
    return _parser().render(source)


def bullets(source):
    """The first list's items, or else each paragraph's first sentence; plain text."""
    tokens = _parser().parse(source)
    listed, paragraphs, depth, heading = [], [], 0, False
    for token in tokens:
        depth += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        heading = token.type == "heading_open" or (heading and token.type == "inline")
        if token.type == "inline" and not heading:
            text = "".join(_plain(child) for child in token.children)
            (listed if depth else paragraphs).append(text.strip())
    firsts = [re.split(r"(?<=[.!?])\s", text)[0] for text in paragraphs]
    return (listed or firsts)[:MOST_BULLETS]


def _plain(token):
    return " " if token.type in ("softbreak", "hardbreak") else token.content
