"""Settings of a report."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class ReportOptions(Options):
    """What is gathered, which pictures may be shown, and where the report goes."""

    out_dir: str = option("", "directory to write report.html (and the slides) to")
    eval: tuple = option(
        (),
        "[label=]DIR of kinpaint.eval or a metrics.json; first the main one; repeatable",
        multiple=True,
    )
    run: tuple = option(
        (),
        "[model=]run directory (default: of the scored models); repeatable",
        multiple=True,
    )
    ablation: tuple = option((), "DIR of kinpaint.ablate; repeatable", multiple=True)
    explore: str = option("", "DIR of pipelines.explore: the data")
    explain: tuple = option((), "DIR of kinpaint.explain; repeatable", multiple=True)
    story: str = option(
        "", "run whose pictures become the film of the training; all of them are shown"
    )
    text: str = option(
        "",
        "folder of your own Markdown in place of a chapter's, such as method.md and limits.md",
    )
    show: tuple = option(
        (),
        "file names of photos to show, 'oxford_*' (default: by their licences)",
        multiple=True,
    )
    credit: tuple = option((), "credit of the shown photos; repeatable", multiple=True)
    title: str = option("Filling holes in photographs", "title of report and slides")
    slides: bool = option(False, "also write slides.pdf, notes.md and slides.mp4")
