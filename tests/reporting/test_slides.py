"""The presentation: pages, their content, and the film decoded again."""

import dataclasses
import sys

import imageio_ffmpeg
import numpy as np
import pytest

from kinpaint.reporting import deck, drawing, inputs, session, video
from kinpaint.reporting.blocks import Cell, Slide, Table
from pipelines.base.errors import UserError
from tests.reporting import html
from tests.reporting.conftest import CREDIT

SIZE = (320, 180)


def sections(options):
    gathered = inputs.gather(options)
    return [found for chapter in session.CHAPTERS if (found := chapter(gathered))]


@pytest.fixture
def everything(options, trained, study):
    return dataclasses.replace(
        options, run=(str(trained),), story=str(trained), ablation=(str(study),)
    )


def test_there_are_eight_to_twelve_pages(options, everything, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "interpretation.md").write_text("It copies.")
    least = deck.build(sections(dataclasses.replace(options, show=(), credit=())))
    most = deck.build(sections(dataclasses.replace(everything, text=str(texts))))
    assert len(least) >= 8 and len(most) == 12
    assert most[-1].title == "Limits, and what next" and least[-1].title == "What next"
    assert [s.title for s in most if s.title in ("Interpretation", "Ablations", "Method")]


def test_slides_are_one_file_that_asks_for_nothing(everything):
    slides = deck.build(sections(dataclasses.replace(everything, title="<script>alert(2)")))
    page = deck.render("<script>alert(2)", slides, CREDIT)
    reader = html.read(page)
    assert page.count('<section class="slide') == len(slides)
    assert all(a.startswith("data:image/") for a in reader.addresses) and html.film(reader)
    assert len(reader.scripts) == 1 and "alert(2)" not in reader.scripts[0]
    assert "@page" in page and "ArrowRight" in page
    shown = [s for s in slides if s.exhibit and s.exhibit.kind in ("pictures", "film")]
    assert page.count(f"Photos: {CREDIT[0]}") == len(shown) > 1


def test_the_film_is_long_enough_and_moves(everything, tmp_path):
    slides = deck.build(sections(everything))
    path = tmp_path / "slides.mp4"
    video.write(path, slides, CREDIT, SIZE)
    assert [p.name for p in tmp_path.glob("*.mp4")] == ["slides.mp4"]
    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    assert about["size"] == SIZE and about["codec"] == "h264" and "yuv420p" in about["pix_fmt"]
    decoded = np.stack([np.frombuffer(f, np.uint8).reshape(180, 320, 3) for f in frames])
    assert 120 <= len(decoded) / about["fps"] <= 180
    starts = np.cumsum([0, *(round(s * video.FPS) for s in video.durations(slides))])
    assert starts[-1] == len(decoded)
    number = next(k for k, s in enumerate(slides) if s.exhibit and s.exhibit.kind == "film")
    count = starts[number + 1] - starts[number]
    seen = [decoded[starts[number] + int(count * share)] for share in (0.12, 0.45, 0.9)]
    moved = [np.abs(a.astype(int) - b).max() for a, b in zip(seen, seen[1:], strict=False)]
    assert min(moved) > 40  # within one slide: only the film can do that
    still = [decoded[starts[1] + int(share * (starts[2] - starts[1]))] for share in (0.4, 0.9)]
    assert np.abs(still[0].astype(int) - still[1]).max() < 40
    middle = decoded[starts[1] + 7].astype(
        float
    )  # half of the fade from the first to the second
    before, after = decoded[starts[1] - 1].astype(float), still[0].astype(float)
    assert np.abs(middle - (before + after) / 2).mean() < np.abs(before - after).mean() / 4


def test_long_texts_and_wide_tables_stay_on_the_page():
    rows = [[Cell("a very long name of a model " * 3), *[Cell("12.3456", "1 … 2")] * 11]] * 14
    table = Table("caption", ["a heading of many words"] * 12, rows)
    bullets = ["Words and words, " * 30, "unbroken" * 40] * 4
    for slide in (Slide("Title " * 12, bullets, table), Slide("T", bullets)):
        page = drawing.draw(slide, 1, 2, "credit", 0)
        assert page.shape == (720, 1280, 3)
        for margin in (page[:30, 20:], page[:, 1240:], page[714:, 20:]):
            assert (margin == 255).all()


def test_without_the_encoder_the_pip_line_is_told(everything, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match="pip install 'imageio-ffmpeg") as error:
        session.write(dataclasses.replace(everything, slides=True))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()
