"""Reads pages back: tables as text, pictures as arrays, addresses that would be asked for."""

import base64
import html.parser
import io

import numpy as np
from PIL import Image

_ASKING = ("src", "href", "data", "poster", "action", "srcset")


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tables, self.addresses, self.links, self.scripts, self.text = [], [], [], [], []
        self._cell, self._inside = None, []

    def handle_starttag(self, tag, attrs):
        found = [value for name, value in attrs if name in _ASKING]
        (self.links if tag == "a" else self.addresses).extend(found)
        self._inside.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append([""])
        elif tag == "small" and "td" in self._inside:
            self.tables[-1][-1][-1].append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "script" in self._inside:
            self.scripts[-1] += data
            return
        if "style" not in self._inside:
            self.text.append(data)
        if "td" in self._inside or "th" in self._inside:
            self.tables[-1][-1][-1][-1] += data


def read(page):
    """A reader with what the page holds.

    `tables` (rows of cells [text, small]), `addresses` that a browser asks for, `links`
    that a person may follow, `scripts`, and `text`.
    """
    reader = _Reader()
    reader.feed(page)
    return reader


def pictures(reader):
    """The still pictures that a page holds, uint8 [H, W, 3]."""
    found = []
    for address in reader.addresses:
        head, comma, content = address.partition(",")
        if comma and head.startswith("data:image/"):
            image = Image.open(io.BytesIO(base64.b64decode(content)))
            if getattr(image, "n_frames", 1) == 1:
                found.append(np.asarray(image.convert("RGB")))
    return found


def film(reader):
    """Frames of the page's animation, uint8 [H, W, 3] each; empty without one."""
    for address in reader.addresses:
        head, comma, content = address.partition(",")
        if comma and head.startswith("data:image/"):
            image = Image.open(io.BytesIO(base64.b64decode(content)))
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                return [_frame(image, k) for k in range(frames)]
    return []


def _frame(image, k):
    image.seek(k)
    return np.asarray(image.convert("RGB"))
