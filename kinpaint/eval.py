r"""Scores models and classical baselines on fixed holes.

    python -m kinpaint.eval --model=saved_models/gated --model=ours=runs/first \
        --data_dir=PHOTOS --image_size=64 --masks="thin + medium + thick" --out_dir=out/eval

Writes metrics.json (means with 95 % intervals; by hole size, family and class; paired
differences), per_image.csv, holes.jsonl (the holes, for others to score) and
report.html, one self-contained page. Run it again and it takes up where it stopped.
"""

from kinpaint.evaluation.options import EvalOptions
from pipelines import cli
from pipelines.options import PhotoOptions


def main(argv):
    """Scores this process's share; the last process to end writes the report."""
    del argv
    photo, options = cli.read(PhotoOptions), cli.read(EvalOptions)
    if options.lpips == "none":
        cli.refuse({"weights_dir": "with --lpips"})

    from kinpaint.evaluation.session import evaluate

    paths, missing = evaluate(photo, options)
    if missing:
        print(f"{missing} scores are missing: the shard that ends last writes the report")
    for path in paths:
        print(path)


if __name__ == "__main__":
    cli.run(main, EvalOptions, PhotoOptions)
