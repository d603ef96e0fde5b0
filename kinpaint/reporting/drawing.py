"""Slides as pictures, drawn with Pillow: the same content as the HTML, without a browser.

Everything is laid out on a page of 1280 x 720 and scaled to the size of the film.
"""

import numpy as np
from PIL import Image, ImageDraw

from kinpaint.reporting import charts, drawn_tables
from kinpaint.reporting.lettering import ACCENT, INK, QUIET, centred, font, paragraphs

PAGE = (1280, 720)
_NIGHT, _PALE = "#0d2238", "#c7d8ea"
_MARGIN = 56
_TOP, _BOTTOM = 128, 668
_LARGEST = 25  # px, letters of bullets
_BAND = 34  # px, label below a frame of the film


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
        paragraphs(
            canvas, (_MARGIN, 40, PAGE[0] - _MARGIN, 104), [slide.title], 40, INK, bold=True
        )
        _fill(page, canvas, slide, frame)
    colour = _PALE if slide.opening else QUIET
    paragraphs(canvas, (_MARGIN, 684, 1130, 712), [credit], 13, colour)
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


def _open(page, canvas, slide, frame):
    """Title and words on the left, the exhibit on the right."""
    right = 500 if slide.exhibit else PAGE[0] - _MARGIN
    subtitle, *rest = slide.bullets
    paragraphs(canvas, (_MARGIN, 130, right, 330), [slide.title], 50, "white", bold=True)
    paragraphs(canvas, (_MARGIN, 350, right, 450), [subtitle], 24, _PALE)
    paragraphs(canvas, (_MARGIN, 460, right, 650), rest, 21, "white")
    if slide.exhibit:
        _exhibit(page, canvas, slide.exhibit, (540, 60, PAGE[0] - 40, 660), frame)


def _fill(page, canvas, slide, frame):
    """Bullets on the left and the exhibit beside them; a wide one above them."""
    box = (_MARGIN, _TOP, PAGE[0] - _MARGIN, _BOTTOM)
    if not slide.exhibit:
        _bullets(canvas, (box[0], box[1], box[2] - 120, box[3]), slide.bullets)
    elif slide.exhibit.wide:
        split = box[3] - 34 * min(max(len(slide.bullets), 3), 5)
        _exhibit(page, canvas, slide.exhibit, (box[0], box[1] - 8, box[2], split - 12), frame)
        _bullets(canvas, (box[0], split, box[2], box[3]), slide.bullets)
    else:
        _bullets(canvas, (box[0], box[1], 500, box[3]), slide.bullets)
        _exhibit(page, canvas, slide.exhibit, (532, box[1], box[2], box[3]), frame)


def _bullets(canvas, box, sentences):
    paragraphs(canvas, box, sentences, _LARGEST, INK, marked=True)


def _exhibit(page, canvas, block, box, frame):
    if block.kind == "chart":
        width, height = box[2] - box[0], box[3] - box[1]
        _paste(page, charts.pixels(block.figure, width, height), box)
    elif block.kind == "film":
        _paste(page, film_frame(block.frames[frame], block.labels[frame]), box)
    elif block.kind == "pictures":
        _paste(page, _grid(block, page.getpixel((box[0], box[1]))), box)
    else:
        drawn_tables.draw(canvas, block, box)


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
        centred(canvas, (middle, 12), name, wide, _PALE if dark else QUIET)
    for row, (_, pictures) in enumerate(block.rows):
        for column, array in enumerate(pictures):
            image = Image.fromarray(array).resize((wide, tall), Image.Resampling.BICUBIC)
            sheet.paste(image, (column * (wide + gap), head + row * (tall + gap)))
    return np.asarray(sheet)
