"""One report from settings to files."""

import pathlib

from kinpaint.reporting import deck, inputs, page, video
from kinpaint.reporting.sections import (
    ablation,
    closing,
    data,
    errors,
    interpretation,
    method,
    opening,
    pictures,
    results,
    training,
)

CHAPTERS = (
    opening.summary,
    opening.problem,
    data.data,
    method.method,
    results.climb,
    training.training,
    results.results,
    pictures.pictures,
    ablation.ablations,
    errors.errors,
    interpretation.interpretation,
    closing.limits,
    closing.next_steps,
    closing.credits,
    opening.settings,
)


def write(options):
    """Writes the report, and with `options.slides` the presentation; returns the paths.

    Raises:
        UserError: what is missing or unreadable; nothing is written then.
    """
    if options.slides:
        video.encoder()
    gathered = inputs.gather(options)
    sections = [found for chapter in CHAPTERS if (found := chapter(gathered))]
    out_dir = pathlib.Path(options.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = [_written(out_dir / "report.html", page.render(options.title, sections))]
    if options.slides:
        slides = deck.build(sections)
        text = deck.render(options.title, slides, options.credit)
        paths += [_written(out_dir / "slides.html", text), out_dir / "slides.mp4"]
        video.write(paths[-1], slides, options.credit)
    return paths


def _written(path, text):
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    return partial.replace(path)
