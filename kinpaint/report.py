r"""Gathers what the other commands wrote into a report, and into a presentation.

    python -m kinpaint.report --eval=out/eval --out_dir=out/report
    python -m kinpaint.report --eval=out/eval --run=ours=runs/first --ablation=out/width \
        --explore=out/data --explain=out/explain --slides --out_dir=out/report

Writes report.html, one self-contained page; with --slides also slides.pdf, notes.md and
slides.mp4, two to three minutes with captions, spoken where espeak-ng is installed. What is
not given is left out and named. Pictures are those that kinpaint.eval kept, as far as the
photographs' licences, or --show, allow.
"""

from kinpaint.reporting.options import ReportOptions
from pipelines import cli


def main(argv):
    """Writes the report and prints its paths."""
    del argv
    options = cli.read(ReportOptions)

    from kinpaint.reporting.session import write  # TensorFlow loads only when needed

    for path in write(options):
        print(path)


if __name__ == "__main__":
    cli.run(main, ReportOptions)
