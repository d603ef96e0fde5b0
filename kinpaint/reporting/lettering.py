"""Letters on a page: text in the largest size that fits, wrapped and cut.

The face is DejaVu Sans, which comes with matplotlib, so that a film looks the same everywhere.
"""

import bisect
import functools
import pathlib

import matplotlib
from PIL import ImageFont

INK, QUIET, LINE, ACCENT = "#16202b", "#5b6875", "#dfe4ea", "#0b5cad"
_SMALLEST = 11  # px
_FONTS = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@functools.cache
def font(size, bold=False):
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(_FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)


def paragraphs(canvas, box, texts, largest, colour, bold=False, marked=False):
    """Paragraphs in the largest letters that fit into the box."""
    indent = 26 if marked else 0
    for size in range(largest, _SMALLEST - 1, -1):
        width, face = box[2] - box[0] - indent, font(size, bold)
        blocks = [wrapped(canvas, text, face, width) for text in texts]
        step, gap = size * 1.32, size * (0.6 if marked else 0.2)
        if sum(map(len, blocks)) * step + gap * (len(blocks) - 1) <= box[3] - box[1]:
            break
    y = box[1]
    for lines in blocks:
        if marked and y + step <= box[3]:
            dot = y + size * 0.42
            canvas.rectangle((box[0], dot, box[0] + 9, dot + 9), fill=ACCENT)
        for line in lines:
            if y + 2 * step > box[3] and y + step <= box[3] and not _is_last(line, blocks):
                line = cut(canvas, f"{line} …", face, width)
            if y + step <= box[3] + 1:
                canvas.text((box[0] + indent, y), line, colour, face)
            y += step
        y += gap


def _is_last(line, blocks):
    return line is blocks[-1][-1]


def centred(canvas, at, text, width, colour):
    """One line, in smaller letters or cut where it is too long."""
    for size in range(18, 9, -1):
        if canvas.textlength(text, font(size)) <= width:
            break
    canvas.text(at, cut(canvas, text, font(size), width), colour, font(size), anchor="mm")


def wrapped(canvas, text, face, width):
    """Lines no longer than `width`; words that are too long are broken."""
    lines = [""]
    for word in str(text).split():
        while canvas.textlength(word, face) > width and len(word) > 1:
            head = cut(canvas, word, face, width, end="")
            lines.append(head)
            word = word[len(head) :]
        longer = f"{lines[-1]} {word}".strip()
        if canvas.textlength(longer, face) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]


def cut(canvas, text, face, width, end="…"):
    """The text, or as much of its beginning as fits."""
    if canvas.textlength(text, face) <= width:
        return text
    lengths = range(2, len(text) + 1)
    fits = bisect.bisect(lengths, width, key=lambda n: canvas.textlength(text[:n] + end, face))
    return text[: fits + 1] + end
