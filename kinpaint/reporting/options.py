"""Settings of a report."""

import dataclasses

from pipelines.cli import Options, option


@dataclasses.dataclass(frozen=True)
class ReportOptions(Options):
    """What is gathered, which pictures may be shown, and where the report goes."""

    out_dir: str = option("", "directory to write report.html (and the slides) to")
    eval: tuple = option(
        (), "[label=]DIR of kinpaint.eval; the first is the main one; repeatable", multiple=True
    )
    run: tuple = option((), "run directory of kinpaint.train; repeatable", multiple=True)
    ablation: tuple = option((), "DIR of kinpaint.ablate; repeatable", multiple=True)
    explore: str = option("", "DIR of pipelines.explore: the data")
    explain: tuple = option((), "DIR of kinpaint.explain; repeatable", multiple=True)
    story: str = option(
        "", "run whose TensorBoard pictures become the animation; all of them are shown"
    )
    text: str = option(
        "", "folder of your own Markdown: method.md, limits.md, next.md, ... (any section)"
    )
    show: tuple = option(
        (), "file names of photos that may be shown, such as 'oxford_*'", multiple=True
    )
    credit: tuple = option((), "credit of the shown photos; repeatable", multiple=True)
    title: str = option("Filling holes in photographs", "title of report and slides")
    slides: bool = option(False, "also write slides.html and slides.mp4")
