"""Scores models and classical baselines on fixed holes.

    python -m kinpaint.eval --model=saved_models/gated --model=ours=runs/first \\
        --data_dir=photos --image_size=64 --masks="thin + medium + thick" --out_dir=out/eval

Writes metrics.json (means with 95 % intervals, by hole size, family and class, paired
differences), per_image.csv, holes.jsonl (the holes, for others to score) and
report.html, one self-contained page. Run it again and it takes up where it stopped.
"""

import pathlib

import tensorflow as tf

from kinpaint.evaluation import preparing, report, results, runner
from kinpaint.evaluation.options import EvalOptions
from kinpaint.evaluation.records import Records
from pipelines import cli
from pipelines.options import PhotoOptions


def main(argv):
    """Scores this process's share; the last process to end writes the report."""
    del argv
    photo, options = cli.read(PhotoOptions), cli.read(EvalOptions)
    # TF32 keeps 10 bits of float32's 23: enough to train with, not to measure with.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    job = preparing.prepare(photo, options)
    mine = preparing.share(options.shard, sorted(job.photos))
    with Records(pathlib.Path(options.out_dir) / "scores", options.shard) as records:
        runner.run(job, records, mine, photo.batch_size)
        missing = results.missing(job, records)
        if missing:
            print(
                f"{missing} scores are still missing: the shard that ends last writes the report"
            )
            return
        for path in report.write(job, records, preparing.settings(photo, job)):
            print(path)


if __name__ == "__main__":
    cli.run(main, PhotoOptions, EvalOptions)
