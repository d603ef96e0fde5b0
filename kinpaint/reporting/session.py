"""One report from settings to files."""

import pathlib

from kinpaint.reporting import inputs, page
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
    gathered = inputs.gather(options)
    sections = [found for chapter in CHAPTERS if (found := chapter(gathered))]
    texts = {"report.html": page.render(options.title, sections)}
    out_dir = pathlib.Path(options.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in texts.items():
        (out_dir / name).write_text(text, encoding="utf-8")
        paths.append(out_dir / name)
    return paths
