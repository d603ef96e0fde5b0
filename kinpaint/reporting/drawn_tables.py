"""A `blocks.Table` drawn with Pillow."""

from kinpaint.reporting.lettering import INK, LINE, QUIET, cut, font, paragraphs, wrapped

_BEST = "#e5f2ea"
_LARGEST, _SMALLEST = 21, 8  # px, letters


def draw(canvas, block, box):
    """Rows in the largest letters that fit; those beyond the box are counted below it."""
    across, down = box[2] - box[0], box[3] - box[1] - 30
    for size in range(_LARGEST, _SMALLEST - 1, -1):
        widths, heights = _measure(canvas, block, size)
        if sum(widths) <= across and sum(heights) <= down:
            break
    spare = (across - sum(widths)) / len(widths)
    stretch = min(1.0, across / sum(widths))
    widths = [width * stretch + min(max(spare, 0), 60) for width in widths]
    y, drawn = box[1], 0
    for row, height in zip([None, *block.rows], heights, strict=True):
        if y + height > box[1] + down:
            break
        x = box[0]
        for place, width in enumerate(widths):
            _cell(canvas, block, row, place, (x, y, x + width, y + height), size)
            x += width
        y, drawn = y + height, drawn + (row is not None)
        canvas.line((box[0], y, x, y), fill=LINE if row else INK, width=1 if row else 2)
    left = len(block.rows) - drawn
    caption = f"{block.caption} {left} more rows in the report." if left else block.caption
    paragraphs(canvas, (box[0], int(y) + 6, box[2], int(y) + 30), [caption], 13, QUIET)


def _cell(canvas, block, row, place, box, size):
    words = block.of_words(place)
    x, y = box[0] + 6 if words else box[2] - 8, box[1] + size * 0.35
    anchor = "la" if words else "ra"
    if row is None:
        face = font(int(size * 0.8), True)
        lines = wrapped(canvas, block.header[place], face, box[2] - box[0] - 8)
        for k, line in enumerate(lines):
            at = (x, y + k * size)
            canvas.text(at, line, QUIET, face, anchor=anchor)
        return
    cell = row[place]
    if cell.best:
        canvas.rectangle(box, fill=_BEST)
    width = box[2] - box[0] - 10
    text = cut(canvas, cell.text, font(size, cell.best), width)
    canvas.text((x, y), text, INK, font(size, cell.best), anchor=anchor)
    if cell.small:
        small = cut(canvas, cell.small, font(int(size * 0.7)), width)
        canvas.text((x, y + size * 1.2), small, QUIET, font(int(size * 0.7)), anchor=anchor)


def _measure(canvas, block, size):
    """Widths of columns and heights of rows, the head's first."""
    widths, lines = [], 1
    for place, name in enumerate(block.header):
        head = wrapped(canvas, name, font(int(size * 0.8), True), size * 10)
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
