"""The presentation: the same pages as a PDF and as a film, and the speaker's notes.

A page is a matplotlib figure of 16:9: one message as its title, one large exhibit. slides.pdf
holds the pages, notes.md the speaker's words. slides.mp4 shows each page as long as its notes
take to hear, with the notes as captions and, where espeak-ng (or espeak, or macOS' say) is
installed, as a spoken track.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import wave

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from kinpaint import charts
from pipelines import cli
from pipelines.base import files
from pipelines.base.errors import UserError

MOST = 12
SIZE = (1280, 720)
FPS = 10
SHORTEST, LONGEST = 122.0, 178.0  # s, the whole film
_FOOT = 0.15  # of the page: below it stand the captions of the film, credit and number
_STRIP = slice(626, 690)  # rows of a frame that captions stand in
_CAPTION = 96  # letters a line
_WORDS_A_SECOND, _REST = 2.5, 1.2  # reading pace; s of rest after the words of a page
_FILM_S = 9.0  # a page with a film of the training is shown at least so long
_FADE = 4  # frames
_OUTPUT = "-crf 23 -preset veryfast -movflags +faststart -b:a 64k".split()
_MOST_WORDS = 42  # of a page's notes
_STYLE = {**charts.STYLE, "font.size": 17, "axes.labelsize": 16, "figure.facecolor": "white"}
_NIGHT = "#0d2238"
_LINE, _GAP = 1.42, 0.035  # height of a line in sizes of its letters; between paragraphs


def build(chapters) -> list:
    """The slides in order, at most `MOST`: the most dispensable ones go first."""
    slides = [_brief(slide) for chapter in chapters for slide in chapter.slides]
    while len(slides) > MOST:
        spare = max(range(len(slides)), key=lambda k: (slides[k].spare, k))
        del slides[spare]
    return slides


def _brief(slide):
    """The slide with notes that can be said in a quarter of a minute.

    Intervals in brackets are for the page: nobody listens to them.
    """
    kept, words = [], 0
    for text in slide.notes:
        text = re.sub(r" \([^()]*\)", "", text)
        words += len(text.split())
        if kept and words > _MOST_WORDS:
            break
        kept.append(textwrap.shorten(text, 8 * _MOST_WORDS, placeholder=" …"))
    return dataclasses.replace(slide, notes=kept)


def encoder():
    """The imageio_ffmpeg module with a working program behind it.

    Raises:
        UserError: it is not installed, or has no ffmpeg.
    """
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"--slides needs imageio-ffmpeg ({error}): pip install 'imageio-ffmpeg>=0.6,<0.9'"
        ) from error
    return imageio_ffmpeg


def write(out_dir, title, slides, credits) -> list:
    """Writes slides.pdf, notes.md and slides.mp4; returns their paths."""
    out_dir = pathlib.Path(out_dir)
    paths = [out_dir / name for name in ("slides.pdf", "notes.md", "slides.mp4")]
    with files.replacing(paths[0]) as path, PdfPages(path, metadata=_dateless(title)) as pdf:
        for number, slide in enumerate(slides, 1):
            with matplotlib.rc_context(_STYLE):
                pdf.savefig(page(slide, number, len(slides), credits))
    files.write(paths[1], notes(title, slides))
    film(paths[2], slides, credits)
    return paths


def notes(title, slides) -> str:
    """What the speaker says, as Markdown."""
    parts = [f"# {title}: speaker's notes"]
    for number, slide in enumerate(slides, 1):
        parts.append(f"## {number}. {slide.title}\n\n{' '.join(slide.notes)}")
    return "\n\n".join(parts) + "\n"


def page(slide, number, count, credits, frame=-1) -> Figure:
    """One page as a figure of `SIZE` at 100 dots an inch.

    Args:
        slide: a `chapters.Slide`.
        number: its number from 1; the first is the title page.
        count: of all slides.
        credits: of the photographs; shown where there are pictures.
        frame: which frame of a film the page shows.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100)
        opening = number == 1
        if opening:
            figure.set_facecolor(_NIGHT)
            _opening(figure, slide)
        else:
            figure.add_artist(
                Rectangle((0, 0), 0.011, 1, color=charts.ACCENT, transform=figure.transFigure)
            )
            _words(figure, (0.045, 0.945), slide.title, 29, 47, weight="bold", lines=2)
            _body(figure, slide, frame)
        quiet = "#c7d8ea" if opening else charts.QUIET
        kind = getattr(slide.exhibit, "kind", "")
        if credits and kind in ("pictures", "film"):
            told = textwrap.shorten("Photographs: " + "; ".join(credits), 130, placeholder=" …")
            figure.text(0.045, 0.018, told, color=quiet, fontsize=10)
        figure.text(0.975, 0.018, f"{number} / {count}", color=quiet, fontsize=11, ha="right")
        return figure


def durations(slides, spoken=None):
    """Seconds of each page, two to three minutes together.

    Args:
        slides: `chapters.Slide`s.
        spoken: seconds that the spoken notes of each page take; None: they are read.
    """
    words = [sum(len(text.split()) for text in slide.notes) for slide in slides]
    needed = np.array(spoken if spoken else [3.0 + n / _WORDS_A_SECOND for n in words]) + _REST
    moving = [getattr(slide.exhibit, "kind", "") == "film" for slide in slides]
    needed = np.maximum(needed, np.where(moving, _FILM_S, 4.0))
    if spoken:  # words are never cut: only rests are made longer
        return needed + max(0.0, SHORTEST - needed.sum()) / len(slides)
    return needed * np.clip(needed.sum(), SHORTEST, LONGEST) / needed.sum()


def film(path, slides, credits, size=SIZE):
    """Writes the film; it appears whole or not at all.

    Args:
        path: of the MP4.
        slides: `chapters.Slide`s.
        credits: lines, shown on slides with pictures.
        size: width and height in pixels, both even.
    """
    ffmpeg = encoder()
    path = pathlib.Path(path)
    with tempfile.TemporaryDirectory(prefix="kinpaint-slides-") as folder:
        folder = pathlib.Path(folder)
        spoken = speech(slides, folder)
        seconds = durations(slides, [_length(p) for p in spoken] if spoken else None)
        counts = [round(s * FPS) for s in seconds]
        settings = {}
        if spoken:
            track = folder / "track.wav"
            _join(track, spoken, [count / FPS for count in counts])
            settings = {"audio_path": str(track), "audio_codec": "aac"}
        made = folder / "film.mp4"
        writer = ffmpeg.write_frames(
            str(made),
            size,
            fps=FPS,
            codec="libx264",
            pix_fmt_out="yuv420p",
            quality=None,
            macro_block_size=2,
            output_params=[
                "-crf",
                "23",
                "-preset",
                "veryfast",
                "-movflags",
                "+faststart",
                "-b:a",
                "64k",
            ],
            **settings,
        )
        with (
            contextlib.closing(writer),
            cli.progress(total=sum(counts), desc=path.name, unit="frame") as bar,
        ):
            writer.send(None)
            for frame in _frames(slides, counts, credits, size):
                writer.send(frame)
                bar.update()
        with files.replacing(path) as whole:
            shutil.move(made, whole)


def speech(slides, folder):
    """The notes of each page as a WAV file, or None where no voice is installed.

    The pace is that of a calm speaker, or as much faster as makes all fit into the film.
    """
    program = next(filter(shutil.which, ("espeak-ng", "espeak", "say")), None)
    if not program:
        return None
    pace, room = 165, LONGEST - (_REST + 0.1) * len(slides)
    try:
        paths = _speak(program, slides, folder, pace)
        taken = sum(map(_length, paths))
        if taken > room:
            paths = _speak(program, slides, folder, int(1.08 * pace * taken / room))
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError):
        return None  # a voice that does not work is as good as none
    return paths


def _speak(program, slides, folder, pace):
    paths = []
    for number, slide in enumerate(slides):
        path, text = folder / f"{number:02d}.wav", spoken_words(" ".join(slide.notes))
        command = [program, "-v", "en", "-s", str(pace), "-w", str(path), "--", text]
        if program == "say":
            form = ["--file-format=WAVE", "--data-format=LEI16@22050"]
            command = [program, "-r", str(pace), "-o", str(path), *form, "--", text]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        paths.append(path)
    return paths


def spoken_words(text):
    """A text as a voice should read it: units in words, intervals without brackets."""
    for sign, words in {
        " dB": " decibels",
        " px": " pixels",
        "\N{MINUS SIGN}": "minus ",
        " (": ", ",
        ")": "",
        "_": " ",
        "LPIPS": "L-pips",
        "PSNR": "P S N R",
        "kinpaint": "kin-paint",
    }.items():
        text = text.replace(sign, words)
    return text


def _opening(figure, slide):
    columns = 22 if slide.exhibit else 44
    top = _words(figure, (0.05, 0.8), slide.title, 40, columns, "white", "bold", lines=4)
    for k, text in enumerate(slide.points):
        colour = "#c7d8ea" if k else "white"
        top = _words(figure, (0.05, top - 0.05), text, 20, 2 * columns - 8, colour, lines=4)
    if slide.exhibit:
        _exhibit(figure, slide.exhibit, (0.47, 0.15, 0.5, 0.8), -1, "#c7d8ea")


def _body(figure, slide, frame):
    """The exhibit, as large as the page allows; lines of text where there is none."""
    if slide.exhibit is not None:
        _exhibit(figure, slide.exhibit, (0.045, _FOOT, 0.93, 0.8 - _FOOT), frame, charts.QUIET)
        return
    lines, size = slide.points or slide.notes, 25
    while size > 11 and _height(figure, lines, size) > 0.77 - _FOOT:
        size -= 1
    top = 0.77
    for text in lines:
        figure.text(0.05, top, "■", color=charts.ACCENT, fontsize=size * 0.6, va="top")
        top = _words(figure, (0.08, top), text, size, _columns(size), lines=99) - _GAP


def _height(figure, lines, size):
    """What paragraphs in letters of that size take, as a share of the page."""
    rows = sum(len(textwrap.wrap(text, _columns(size))) for text in lines)
    return rows * _LINE * size / 72 / figure.get_figheight() + _GAP * len(lines)


def _columns(size):
    """Letters on a line as wide as the page."""
    return int(1440 / size)


def _words(figure, at, text, size, columns, colour=charts.INK, weight="normal", lines=3):
    """Wrapped text, its top at `at`; smaller where it needs more lines. Returns its foot."""
    rows = textwrap.wrap(text, columns)
    while len(rows) > lines and size > 10:
        size, columns = size * 0.92, int(columns / 0.92) + 1
        rows = textwrap.wrap(text, columns)
    told = "\n".join(rows)
    figure.text(
        *at, told, fontsize=size, color=colour, weight=weight, va="top", linespacing=1.2
    )
    return at[1] - len(rows) * _LINE * size / 72 / figure.get_figheight()


def _exhibit(figure, block, box, frame, quiet):
    """Draws a block into a box: left, bottom, width and height as shares of the page."""
    if block.kind == "chart":
        figure.set_layout_engine("constrained", rect=box)
        block.draw(figure.add_subfigure(figure.add_gridspec(1, 1)[0]))
    elif block.kind == "film":
        _show(figure, block.frames[frame], (box[0], box[1] + 0.06, box[2], box[3] - 0.06))
        figure.text(0.5, box[1], block.labels[frame], fontsize=17, color=quiet, ha="center")
    elif block.kind == "pictures":
        _pictures(figure, block, box, quiet)
    else:
        _table(figure, block, box)


def _show(figure, array, box):
    axes = figure.add_axes(box)
    axes.imshow(array, interpolation="lanczos")
    axes.axis("off")


def _pictures(figure, block, box, quiet):
    """The grid, as large as the box allows, in its middle; names above the columns."""
    rows, columns = len(block.rows), len(block.columns)
    named = any(block.columns)
    head = 0.05 if named else 0.0
    tall, wide = block.rows[0][1][0].shape[:2]
    across, down = box[2] * SIZE[0] / columns, (box[3] - head) * SIZE[1] / rows
    scale = min(across / wide, down / tall)
    width, height = wide * scale / SIZE[0], tall * scale / SIZE[1]
    left = box[0] + (box[2] - columns * width) / 2
    top = box[1] + box[3] - head
    for column, name in enumerate(block.columns):
        at = (left + (column + 0.5) * width, top + 0.012)
        size = min(15, 1.5 * width * SIZE[0] / 1.4 / max(len(name), 1))
        figure.text(*at, name, fontsize=size, color=quiet, ha="center")
    for row, (_, arrays) in enumerate(block.rows):
        for column, array in enumerate(arrays):
            at = (left + column * width, top - (row + 1) * height)
            _show(figure, array, (*at, width * 0.975, height * 0.975))


def _table(figure, block, box):
    """The table in letters as large as fit; rows beyond the page are counted below it."""
    most = 9
    rows, left_out = block.rows[:most], max(0, len(block.rows) - most)
    height = box[3] / (len(rows) + 1.6)
    size = min(19.0, height * SIZE[1] * 0.3)
    share = [max(2.4, *(0.34 * len(r[k].text) for r in rows)) for k in range(len(block.header))]
    edges = box[0] + box[2] * np.cumsum([0.0, *share]) / sum(share)
    top = box[1] + box[3]
    for place, name in enumerate(block.header):
        _table_text(figure, block, place, edges, top, textwrap.fill(name, 16), size * 0.78)
    for k, row in enumerate(rows):
        y = top - (k + 1.4) * height
        for place, cell in enumerate(row):
            if cell.best:
                at = (edges[place], y - height * 0.86)
                span = (edges[place + 1] - edges[place], height * 0.9)
                figure.add_artist(Rectangle(at, *span, color="#e5f2ea", zorder=0))
            weight = "bold" if cell.best or not place else "normal"
            _table_text(figure, block, place, edges, y - 0.012, cell.text, size, weight)
            if cell.small:
                at = y - 0.012 - 1.35 * size / 72 / figure.get_figheight()
                _table_text(figure, block, place, edges, at, cell.small, size * 0.62)
    if left_out:
        told = f"{left_out} more rows in the report."
        figure.text(box[0], box[1] - 0.03, told, fontsize=12, color=charts.QUIET)


def _table_text(figure, block, place, edges, y, text, size, weight="normal"):
    words = block.of_words(place)
    x = edges[place] + 0.008 if words else edges[place + 1] - 0.008
    quiet = size < 12 or weight == "normal" and "\n" in text
    figure.text(
        x,
        y,
        text,
        fontsize=size,
        weight=weight,
        va="top",
        ha="left" if words else "right",
        color=charts.QUIET if quiet else charts.INK,
    )


def _frames(slides, counts, credits, size):
    """Contiguous uint8 [H, W, 3] in order."""
    before = None
    for number, (slide, count) in enumerate(zip(slides, counts, strict=True), 1):
        made = {}  # by frame of the exhibit, and by that with a caption
        for k, said in enumerate(_captions(slide, count)):
            due = _due(slide, k / count)
            if due not in made:
                made[due] = _raster(page(slide, number, len(slides), credits, due))
            if (due, said) not in made:
                whole = made[due].copy()
                whole[_STRIP] = _strip(said)
                made[due, said] = _resized(whole, size)
            frame = made[due, said]
            if before is not None and k < _FADE:
                share = np.float32((k + 1) / (_FADE + 1))
                frame = (before * (1 - share) + frame * share).round().astype(np.uint8)
            yield frame
        before = frame.astype(np.float32)


def _due(slide, share):
    """Which frame of the slide's film is due; its ends are held. 0 where it has none."""
    if getattr(slide.exhibit, "kind", "") != "film":
        return 0
    moved = np.clip((share - 0.1) / 0.65, 0.0, 1.0)
    return int(round(moved * (len(slide.exhibit.frames) - 1)))


def _captions(slide, count):
    """The caption of each of a page's frames: pieces of its notes, as long as their words."""
    pieces = []
    for text in slide.notes:
        rows = textwrap.wrap(text, _CAPTION)
        pieces += ["\n".join(rows[k : k + 2]) for k in range(0, len(rows), 2)]
    if not pieces:
        return [""] * count
    ends = np.cumsum([len(piece.split()) for piece in pieces]) / sum(
        len(piece.split()) for piece in pieces
    )
    return [pieces[int(np.searchsorted(ends, k / count, side="right"))] for k in range(count)]


def _strip(text):
    """A caption as uint8, for the rows `_STRIP` of a frame."""
    rows = _STRIP.stop - _STRIP.start
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(SIZE[0] / 100, rows / 100), dpi=100, facecolor="#eef1f4")
        figure.text(0.5, 0.5, text, fontsize=16, ha="center", va="center", color=charts.INK)
    return _raster(figure)


def _raster(figure):
    canvas = FigureCanvasAgg(figure)
    with matplotlib.rc_context(_STYLE):
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _resized(frame, size):
    if size == SIZE:
        return np.ascontiguousarray(frame)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def _length(path):
    """Seconds of a WAV file."""
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def _join(track, spoken, seconds):
    """The pages' words one after another, each followed by silence until its page ends."""
    with wave.open(str(spoken[0])) as first, wave.open(str(track), "wb") as whole:
        whole.setparams(first.getparams())
        rate, width = first.getframerate(), first.getsampwidth() * first.getnchannels()
        for path, length in zip(spoken, seconds, strict=True):
            with wave.open(str(path)) as part:
                content = part.readframes(part.getnframes())
            wanted = round(length * rate) * width
            whole.writeframes(content[:wanted].ljust(wanted, b"\0"))


def _dateless(title):
    """The same pages give the same file."""
    return {"Title": title, "CreationDate": None}
