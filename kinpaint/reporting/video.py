"""slides.mp4: every slide held long enough to read, crossfades, films playing in their slide.

H.264 with 4:2:0 colour, which browsers play. Between two fades a page is drawn once, and a
film's page once a frame of the film.
"""

import contextlib

import numpy as np

from kinpaint.reporting import drawing
from kinpaint.reporting.deck import credit_of
from pipelines.base.errors import UserError
from pipelines.cli import progress

FPS = 24
SHORTEST, LONGEST = 125.0, 175.0  # s, all slides together
_FADE = 0.6  # s
_LOOK, _WORDS_A_SECOND, _CELLS_A_SECOND = 3.0, 3.4, 8.0  # to take in a page, to read
_FILM = 8.0  # s that a film adds
_FIRST, _LAST = 0.15, 0.25  # shares of a film's slide that its ends are held
_OUTPUT = ("-crf", "21", "-preset", "veryfast", "-movflags", "+faststart")


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


def durations(slides):
    """Seconds a slide, by what there is to read; two to three minutes together."""
    wanted = np.array([_reading(slide) for slide in slides])
    total = np.clip(wanted.sum(), SHORTEST, LONGEST)
    return wanted * total / wanted.sum()


def write(path, slides, credits, size=drawing.PAGE):
    """Writes the film; it appears whole or not at all.

    Args:
        path: of the MP4.
        slides: `blocks.Slide`s.
        credits: lines, shown on slides with pictures.
        size: width and height in pixels, both even.
    """
    ffmpeg = encoder()
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    writer = ffmpeg.write_frames(
        str(partial),
        size,
        fps=FPS,
        codec="libx264",
        pix_fmt_out="yuv420p",
        quality=None,
        macro_block_size=2,
        output_params=list(_OUTPUT),
    )
    counts = [round(seconds * FPS) for seconds in durations(slides)]
    with (
        contextlib.closing(writer),
        progress(total=sum(counts), desc="slides.mp4", unit="frame") as bar,
    ):
        writer.send(None)
        for frame in _frames(slides, counts, credits, size):
            writer.send(frame)
            bar.update()
    partial.replace(path)


def _reading(slide):
    words = sum(len(text.split()) for text in (slide.title, *slide.bullets))
    block = slide.exhibit
    cells = len(block.rows) * len(block.header) if block and block.kind == "table" else 0
    film = _FILM if block and block.kind == "film" else 0.0
    return _LOOK + words / _WORDS_A_SECOND + cells / _CELLS_A_SECOND + film


def _frames(slides, counts, credits, size):
    """Contiguous uint8 [H, W, 3] in order."""
    fade, before = round(_FADE * FPS), None
    for number, (slide, count) in enumerate(zip(slides, counts, strict=True), 1):
        about = (slide, number, len(slides), credit_of(slide, credits))
        drawn, shown = None, None
        for k in range(count):
            wanted = _film_frame(slide, k / count)
            if wanted != shown or drawn is None:
                drawn, shown = _page(*about, wanted, size), wanted
            if before is not None and k < fade:
                yield _blend(before, drawn, (k + 1) / (fade + 1))
            else:
                yield drawn
        before = drawn


def _film_frame(slide, progress_):
    """Which frame of the slide's film is due; 0 where it has none."""
    if not slide.exhibit or slide.exhibit.kind != "film":
        return 0
    share = np.clip((progress_ - _FIRST) / (1.0 - _FIRST - _LAST), 0.0, 1.0)
    return int(round(share * (len(slide.exhibit.frames) - 1)))


def _page(slide, number, count, credit, frame, size):
    page = drawing.draw(slide, number, count, credit, frame)
    if size == drawing.PAGE:
        return np.ascontiguousarray(page)
    return drawing.resized(page, size)


def _blend(before, after, share):
    mixed = before.astype(np.float32) * (1.0 - share) + after * np.float32(share)
    return mixed.round().astype(np.uint8)
