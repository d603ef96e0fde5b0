r"""Gathers what the other commands wrote into a report, and into a presentation.

    python -m kinpaint.report --eval=out/eval --run=runs/first --ablation=runs/width \
        --explore=out/data --show='oxford_*' --credit="Oxford-IIIT Pet, CC BY-SA 4.0" \
        --story=runs/first --slides --out_dir=out/report

Writes report.html, one self-contained page; with --slides also slides.html (arrow keys;
prints a page a slide) and slides.mp4, two to three minutes. What is not given is left out
and named. Pictures appear only where kinpaint.eval ran with --save_pictures and their file
names match --show.
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
