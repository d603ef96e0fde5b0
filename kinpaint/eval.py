r"""Scores models and classical baselines on fixed holes.

    python -m kinpaint.eval --model=saved_models/gated --model=ours=runs/first \
        --data_dir=PHOTOS --image_size=64 --masks="thin + medium + thick" --out_dir=out/eval

Writes metrics.json (means with 95 % intervals; by hole size, family and class; paired
differences), per_image.csv, holes.jsonl (the holes, for others to score) and
report.html, one self-contained page. Run it again and it takes up where it stopped.
"""

import pathlib

from kinpaint.evaluation.options import EvalOptions
from pipelines import cli
from pipelines.options import PhotoOptions, resolve


def main(argv):
    """Scores this process's share; the last process to end writes the report."""
    del argv
    photo = resolve(cli.read(PhotoOptions), cli.given, split="val")
    options = cli.read(EvalOptions)

    import tensorflow as tf  # loads only when it is needed

    from kinpaint.evaluation import preparing, report, results, runner
    from kinpaint.evaluation.records import Records

    # TF32 keeps 10 bits of float32's 23: enough to train with, not to measure with.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    job = preparing.prepare(photo, options)
    mine = preparing.share(options.shard, sorted(job.photos))
    with Records(pathlib.Path(options.out_dir) / "scores", options.shard) as records:
        runner.run(job, records, mine)
        missing = results.missing(job, records)
        if missing:
            print(f"{missing} scores are missing: the last shard to end writes the report")
            return
        for path in report.write(job, records, preparing.settings(photo, job)):
            print(path)


if __name__ == "__main__":
    cli.run(main, EvalOptions, PhotoOptions)
