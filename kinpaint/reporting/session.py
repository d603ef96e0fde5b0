"""One report from settings to files."""

import pathlib

from kinpaint.reporting import chapters, page, slides, sources
from pipelines.base import files
from pipelines.base.errors import UserError

TEXTS = ("question", "data", "method", "results", "error_analysis")
TEXTS = (*TEXTS, "ablations", "interpretation", "limits", "next")


def write(options):
    """Writes the report, and with `options.slides` the presentation; returns the paths.

    Raises:
        UserError: what is missing or unreadable; nothing is written then.
    """
    if options.slides:
        slides.encoder()
    gathered = sources.gather(options)
    if unknown := sorted(gathered.texts.keys() - set(TEXTS)):
        raise UserError(
            f"--text={options.text}: there is no chapter for {unknown[0]}.md: name it "
            f"{', '.join(TEXTS[:-1])} or {TEXTS[-1]}"
        )
    told = chapters.story(gathered)
    out_dir = pathlib.Path(options.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    report = out_dir / "report.html"
    files.write(report, page.render(options.title, told, gathered.credits))
    if not options.slides:
        return [report]
    pages = slides.build(told)
    return [report, *slides.write(out_dir, options.title, pages, gathered.credits)]
