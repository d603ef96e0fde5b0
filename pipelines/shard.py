"""Writes a level as TFRecord shards with Apache Beam, for millions of photos.

    python -m pipelines.shard --data_dir=data/inat --level=6 --out_dir=data/shards
    python -m pipelines.shard ... --beam=--runner=FlinkRunner --beam=--flink_master=host:8081

The step on each photo is that of `pipelines.build`; of photos with the same
perceptual hash, mirrored ones included, the first by name stays. Shards depend on the
photos alone, not on the runner or its workers. Give the directory as --data_dir.
"""

import pathlib

from pipelines import cli, levels
from pipelines.options import ShardOptions


def main(_):
    """Runs the pipeline and prints its counters."""
    options = cli.read(ShardOptions)
    if not options.data_dir or not options.out_dir:
        raise cli.UserError("--data_dir and --out_dir are required")
    level = levels.get(options.level)

    from pipelines import photos

    photos.find(options.data_dir, classes=level.classes)

    from pipelines import beam_steps  # Beam and TensorFlow load after what may fail

    counts = beam_steps.run(options, level)
    told = ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items()))
    print(f"level {options.level}: {told}")
    print(f"wrote {pathlib.Path(options.out_dir) / 'photos-*.tfrecord'} with their .index")


if __name__ == "__main__":
    cli.run(main, ShardOptions)
