"""Slides as pictures, drawn with Pillow: the same content as the HTML, without a browser.

Everything is laid out on a page of 1280 x 720 and scaled to the size of the film.
"""

import functools
import pathlib

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kinpaint.reporting import charts

PAGE = (1280, 720)
INK, QUIET, LINE, ACCENT = "#16202b", "#5b6875", "#dfe4ea", "#0b5cad"
_NIGHT, _PALE, _BEST = "#0d2238", "#c7d8ea", "#e5f2ea"
_MARGIN = 56
_TOP, _BOTTOM = 128, 668
_LARGEST, _SMALLEST = 25, 11  # px, letters of bullets
_BAND = 34  # px, label below a frame of the film
_FONTS = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def draw(slide, number, count, credit, frame=0):
    """One page as uint8 [720, 1280, 3].

    Args:
        slide: a `blocks.Slide`.
        number: its number from 1.
        count: of all slides.
        credit: small print at the foot.
        frame: which frame of a film the page shows.
    """
    page = Image.new("RGB", PAGE, _NIGHT if slide.opening else "white")
    canvas = ImageDraw.Draw(page)
    if slide.opening:
        _open(page, canvas, slide, frame)
    else:
        canvas.rectangle((0, 0, 14, PAGE[1]), fill=ACCENT)
        _text(canvas, (_MARGIN, 40, PAGE[0] - _MARGIN, 104), [slide.title], 40, INK, bold=True)
        _fill(page, canvas, slide, frame)
    colour = _PALE if slide.opening else QUIET
    _text(canvas, (_MARGIN, 684, 1130, 712), [credit], 13, colour)
    canvas.text((PAGE[0] - _MARGIN, 690), f"{number} / {count}", colour, font(14), anchor="ra")
    return np.asarray(page)


def film_frame(frame, label):
    """A frame with its label below it, uint8; small frames are enlarged."""
    times = max(1, round(900 / frame.shape[1]))
    image = Image.fromarray(frame)
    image = image.resize((image.width * times, image.height * times), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (image.width, image.height + _BAND), "white")
    framed.paste(image, (0, 0))
    ImageDraw.Draw(framed).text((4, image.height + 8), label, INK, font(17))
    return np.asarray(framed)


def resized(page, size):
    """The page at another size, uint8."""
    return np.asarray(Image.fromarray(page).resize(size, Image.Resampling.LANCZOS))


@functools.cache
def font(size, bold=False):
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(_FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)


def _open(page, canvas, slide, frame):
    low = 250 if slide.exhibit else 330
    _text(canvas, (_MARGIN, 60, PAGE[0] - _MARGIN, 60 + 90), [slide.title], 50, "white", True)
    subtitle, *rest = slide.bullets
    _text(canvas, (_MARGIN, 152, PAGE[0] - _MARGIN, 190), [subtitle], 24, _PALE)
    _text(canvas, (_MARGIN, 200, PAGE[0] - _MARGIN, low + 40), rest, 20, "white")
    if slide.exhibit:
        _exhibit(page, canvas, slide.exhibit, (_MARGIN, 305, PAGE[0] - _MARGIN, 672), frame)


def _fill(page, canvas, slide, frame):
    """Bullets on the left and the exhibit beside them; a wide one above them."""
    box = (_MARGIN, _TOP, PAGE[0] - _MARGIN, _BOTTOM)
    if not slide.exhibit:
        _bullets(canvas, (box[0], box[1], box[2] - 120, box[3]), slide.bullets)
    elif slide.exhibit.wide:
        _exhibit(page, canvas, slide.exhibit, (box[0], box[1] - 8, box[2], 566), frame)
        _bullets(canvas, (box[0], 578, box[2], box[3]), slide.bullets)
    else:
        _bullets(canvas, (box[0], box[1], 500, box[3]), slide.bullets)
        _exhibit(page, canvas, slide.exhibit, (532, box[1], box[2], box[3]), frame)


def _bullets(canvas, box, sentences):
    _text(canvas, box, sentences, _LARGEST, INK, marked=True)


def _exhibit(page, canvas, block, box, frame):
    if block.kind == "chart":
        width, height = box[2] - box[0], box[3] - box[1]
        _paste(page, charts.pixels(block.figure, width, height), box)
    elif block.kind == "film":
        _paste(page, film_frame(block.frames[frame], block.labels[frame]), box)
    elif block.kind == "pictures":
        _paste(page, _grid(block, page.getpixel((box[0], box[1]))), box)
    else:
        _table(canvas, block, box)


def _paste(page, array, box):
    """The picture, as large as the box allows, in its middle."""
    image = Image.fromarray(array)
    scale = min((box[2] - box[0]) / image.width, (box[3] - box[1]) / image.height)
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    left = box[0] + (box[2] - box[0] - size[0]) // 2
    page.paste(image, (left, box[1] + (box[3] - box[1] - size[1]) // 2))


def _grid(block, background):
    """A `Pictures` as one picture: names above, rows below each other."""
    named = any(block.columns)
    first = np.asarray(block.rows[0][1][0])
    tall, wide = first.shape[:2]
    scale = max(1, round(180 / wide)) if wide < 180 else 1
    tall, wide, gap, head = tall * scale, wide * scale, 6, 30 if named else 0
    size = (
        len(block.columns) * (wide + gap) - gap,
        head + len(block.rows) * (tall + gap) - gap,
    )
    sheet = Image.new("RGB", size, background)
    canvas = ImageDraw.Draw(sheet)
    dark = sum(background) < 380
    for column, name in enumerate(block.columns):
        middle = column * (wide + gap) + wide // 2
        _centred(canvas, (middle, 12), name, wide, _PALE if dark else QUIET)
    for row, (_, pictures) in enumerate(block.rows):
        for column, array in enumerate(pictures):
            image = Image.fromarray(array).resize((wide, tall), Image.Resampling.BICUBIC)
            sheet.paste(image, (column * (wide + gap), head + row * (tall + gap)))
    return np.asarray(sheet)


def _centred(canvas, at, text, width, colour):
    """One line, in smaller letters or cut where it is too long."""
    for size in range(18, 9, -1):
        if canvas.textlength(text, font(size)) <= width:
            break
    canvas.text(at, _cut(canvas, text, font(size), width), colour, font(size), anchor="mm")


def _table(canvas, block, box):
    """Rows with ruled lines, in the largest letters that fit."""
    for size in range(21, 7, -1):
        widths, heights = _measure(canvas, block, size)
        if sum(widths) <= box[2] - box[0] and sum(heights) <= box[3] - box[1] - 30:
            break
    left, y = box[0], box[1]
    spare = (box[2] - box[0] - sum(widths)) / max(len(widths), 1)
    widths = [width + min(max(spare, 0), 60) for width in widths]
    for row, height in zip([None, *block.rows], heights, strict=True):
        x = left
        for place, width in enumerate(widths):
            _cell(canvas, block, row, place, (x, y, x + width, y + height), size)
            x += width
        y += height
        canvas.line((left, y, x, y), fill=LINE if row else INK, width=1 if row else 2)
    _text(canvas, (left, int(y) + 6, box[2], int(y) + 30), [block.caption], 13, QUIET)


def _cell(canvas, block, row, place, box, size):
    x, y = (
        (box[0] + 6, box[1] + size * 0.35) if place == 0 else (box[2] - 8, box[1] + size * 0.35)
    )
    anchor = "la" if place == 0 else "ra"
    if row is None:
        lines = _wrapped(canvas, block.header[place], font(int(size * 0.8)), size * 8)
        for k, line in enumerate(lines):
            at = (x, y + k * size)
            canvas.text(at, line, QUIET, font(int(size * 0.8), True), anchor=anchor)
        return
    cell = row[place]
    if cell.best:
        canvas.rectangle(box, fill=_BEST)
    width = box[2] - box[0] - 10
    text = _cut(canvas, cell.text, font(size, cell.best), width)
    canvas.text((x, y), text, INK, font(size, cell.best), anchor=anchor)
    if cell.small:
        small = _cut(canvas, cell.small, font(int(size * 0.7)), width)
        canvas.text((x, y + size * 1.2), small, QUIET, font(int(size * 0.7)), anchor=anchor)


def _measure(canvas, block, size):
    """Widths of columns and heights of rows, the head's first."""
    widths, lines = [], 1
    for place, name in enumerate(block.header):
        head = _wrapped(canvas, name, font(int(size * 0.8)), size * 8)
        lines = max(lines, len(head))
        longest = [canvas.textlength(line, font(int(size * 0.8), True)) for line in head]
        longest += [canvas.textlength(row[place].text, font(size, True)) for row in block.rows]
        longest += [
            canvas.textlength(row[place].small, font(int(size * 0.7))) for row in block.rows
        ]
        widths.append(min(max(longest), size * 18) + 16)
    heights = [size * (0.7 + lines)]
    return widths, heights + [
        size * (2.6 if any(cell.small for cell in row) else 1.7) for row in block.rows
    ]


def _text(canvas, box, paragraphs, largest, colour, bold=False, marked=False):
    """Paragraphs in the largest letters that fit into the box."""
    indent = 26 if marked else 0
    for size in range(largest, _SMALLEST - 1, -1):
        width = box[2] - box[0] - indent
        wrapped = [_wrapped(canvas, text, font(size, bold), width) for text in paragraphs]
        step, gap = size * 1.32, size * (0.6 if marked else 0.2)
        if sum(map(len, wrapped)) * step + gap * (len(wrapped) - 1) <= box[3] - box[1]:
            break
    y = box[1]
    for lines in wrapped:
        if marked:
            canvas.rectangle(
                (box[0], y + size * 0.42, box[0] + 9, y + size * 0.42 + 9), fill=ACCENT
            )
        for line in lines:
            if y + step <= box[3] + step / 2:
                canvas.text((box[0] + indent, y), line, colour, font(size, bold))
            y += step
        y += gap


def _wrapped(canvas, text, face, width):
    """Lines no longer than `width`; words that are too long are broken."""
    lines = [""]
    for word in str(text).split():
        while canvas.textlength(word, face) > width and len(word) > 1:
            head = _cut(canvas, word, face, width, end="")
            lines.append(head)
            word = word[len(head) :]
        longer = f"{lines[-1]} {word}".strip()
        if canvas.textlength(longer, face) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]


def _cut(canvas, text, face, width, end="…"):
    """The text, or as much of its beginning as fits."""
    if canvas.textlength(text, face) <= width:
        return text
    while len(text) > 1 and canvas.textlength(text + end, face) > width:
        text = text[:-1]
    return text + end
