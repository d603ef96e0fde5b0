"""The presentation: pages, their content, notes, and the film decoded again."""

import dataclasses
import os
import re
import stat
import sys
import wave

import imageio_ffmpeg
import numpy as np
import pytest

from kinpaint.blocks import Cell, Film, Pictures, Table
from kinpaint.reporting import chapters, session, slides, sources
from kinpaint.reporting.chapters import Slide
from pipelines.base.errors import UserError

SIZE = (320, 180)


@pytest.fixture
def everything(options, trained, study):
    return dataclasses.replace(
        options, run=(str(trained),), story=str(trained), ablation=(str(study),)
    )


def pages_of(options):
    return slides.build(chapters.story(sources.gather(options)))


def test_there_are_ten_to_twelve_pages_with_one_message_each(options, everything, tmp_path):
    (tmp_path / "interpretation.md").write_text("It copies.")
    least = pages_of(dataclasses.replace(options, show=("none",)))
    most = pages_of(dataclasses.replace(everything, text=str(tmp_path)))
    assert 9 <= len(least) <= 12 and len(most) == 12
    assert most[0].title == options.title and most[0].exhibit.kind == "pictures"
    assert {"film", "chart", "pictures"} <= {s.exhibit.kind for s in most if s.exhibit}
    for slide in (*least, *most):
        assert slide.notes and len(" ".join(slide.notes).split()) <= 2 * 42
        assert not re.search(r"\(\d", " ".join(slide.notes))  # nobody listens to intervals


def test_long_texts_and_wide_tables_stay_on_the_page():
    rows = [[Cell("a very long name of a model " * 2), *[Cell("12.34", "1 … 2")] * 5]] * 14
    table = Table("caption", ["a heading of many words"] * 6, rows)
    points = ("Words and words, " * 25,) * 4
    for slide in (Slide("Title " * 12, ["n"], table), Slide("T", ["n"], None, points)):
        drawn = slides._raster(slides.page(slide, 2, 3, ["credit"]))
        assert drawn.shape == (720, 1280, 3)
        for margin in (drawn[:24, 20:], drawn[:, 1272:], drawn[714:, 20:]):
            assert (margin == 255).all()


def moving():
    """A short presentation with a film of four colours."""
    frames = [np.full((30, 90, 3), 60 * k, np.uint8) for k in range(4)]
    film = Film("Colours.", frames, [f"step {k}" for k in range(4)])
    grid = Pictures("Two.", ["a", "b"], [("", [frames[1], frames[2]])])
    return [
        Slide("Opening", ["First words are said here."], grid, ("a", "b")),
        Slide("A film", ["It moves. " * 12, "And then it is said to rest."], film),
        Slide("Points", ["Said last."], None, ("One.", "Two.")),
    ]


def test_the_film_is_long_enough_moves_and_has_captions(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "speech", lambda *_: None)
    shown = moving()
    path = tmp_path / "slides.mp4"
    slides.film(path, shown, ["credit"], SIZE)
    assert list(tmp_path.iterdir()) == [path]
    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    assert about["size"] == SIZE and about["codec"] == "h264" and "yuv420p" in about["pix_fmt"]
    decoded = np.stack([np.frombuffer(f, np.uint8).reshape(180, 320, 3) for f in frames])
    assert 120 <= len(decoded) / about["fps"] <= 180
    starts = np.cumsum([0, *(round(s * slides.FPS) for s in slides.durations(shown))])
    assert starts[-1] == len(decoded)
    one, two = starts[1], starts[2]
    middle = [
        decoded[one + int((two - one) * share), 90, 160].mean() for share in (0.05, 0.5, 0.95)
    ]
    assert middle[0] < 30 < middle[1] < 170 < middle[2]  # frames 0, 1 or 2, 3
    strip = slice(628 // 4, 688 // 4)
    early, late = (decoded[one + int((two - one) * s)][strip].astype(int) for s in (0.3, 0.97))
    assert np.abs(early - late).max() > 60  # the caption changed
    fade = decoded[one + 1].astype(float)
    before, after = decoded[one - 1].astype(float), decoded[one + 6].astype(float)
    assert np.abs(fade - (before + after) / 2).mean() < np.abs(before - after).mean() / 3


def a_voice(folder, monkeypatch, seconds):
    """A stand-in for espeak-ng: every page takes so many seconds at 165 words a minute."""
    program = folder / "espeak-ng"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, wave\n"
        "pace = float(sys.argv[sys.argv.index('-s') + 1])\n"
        "with wave.open(sys.argv[sys.argv.index('-w') + 1], 'wb') as f:\n"
        "    f.setnchannels(1); f.setsampwidth(2); f.setframerate(8000)\n"
        f"    f.writeframes(b'\\1\\1' * int(8000 * {seconds} * 165 / pace))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_notes_are_spoken_page_by_page(tmp_path, monkeypatch):
    a_voice(tmp_path, monkeypatch, 5)
    shown = moving()
    spoken = slides.speech(shown, tmp_path)
    lengths = [slides._length(path) for path in spoken]
    assert lengths == [5.0] * 3
    seconds = slides.durations(shown, lengths)
    assert sum(seconds) == pytest.approx(slides.SHORTEST) and min(seconds) > 5
    slides._join(tmp_path / "track.wav", spoken, seconds)
    with wave.open(str(tmp_path / "track.wav")) as track:
        sound = np.frombuffer(track.readframes(track.getnframes()), "<i2")
    starts = np.cumsum([0, *np.round(np.array(seconds) * 8000)]).astype(int)
    assert len(sound) == starts[-1]
    for start, end in zip(starts, starts[1:], strict=False):
        assert (sound[start : start + 40000] != 0).all() and (
            sound[start + 40000 : end] == 0
        ).all()


def test_a_long_talk_is_spoken_faster_until_it_fits(tmp_path, monkeypatch):
    a_voice(tmp_path, monkeypatch, 100)
    spoken = slides.speech(moving(), tmp_path)
    seconds = slides.durations(moving(), [slides._length(path) for path in spoken])
    assert 120 <= sum(seconds) <= 180


def test_a_voice_that_fails_leaves_the_film_silent(tmp_path, monkeypatch):
    program = tmp_path / "espeak-ng"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert slides.speech(moving(), tmp_path) is None
    assert 120 <= sum(slides.durations(moving())) <= 180


def test_the_pages_are_a_pdf_with_notes_beside(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "film", lambda path, *_: path.write_bytes(b""))
    paths = slides.write(tmp_path, "Talk", moving(), ["credit"])
    assert [path.name for path in paths] == ["slides.pdf", "notes.md", "slides.mp4"]
    content = paths[0].read_bytes()
    assert content.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", content)) == 3
    notes = paths[1].read_text()
    assert notes.startswith("# Talk") and "## 2. A film\n\nIt moves." in notes


def test_without_the_encoder_the_pip_line_is_told(everything, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match="pip install 'imageio-ffmpeg") as error:
        session.write(dataclasses.replace(everything, slides=True))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
