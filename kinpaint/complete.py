r"""Fills the holes of photographs.

    python -m kinpaint.complete --image=photo.jpg \
        --mask=mask.png --output=filled.jpg
    python -m kinpaint.complete --model=saved_models/gated --image=photos/ \
        --mask=masks/ --output=filled/ --shard=3/16

    python -m kinpaint.complete ... --beam=--runner=FlinkRunner --beam=--flink_master=host:8081

White in a mask is the hole. A directory is read with all below it; started again, a
stopped job goes on where it stopped. Exit code 1: at least one photo failed.
"""

from kinpaint.completion.options import CompleteOptions
from pipelines import cli
from pipelines.base import parts


def main(argv):
    """Completes what the flags name; 0 if nothing failed."""
    del argv
    options = cli.read(CompleteOptions)
    from kinpaint.completion import jobs

    todo = parts.share(options.shard, jobs.find(options))
    if not todo:
        raise cli.UserError(f"nothing to do: shard {options.shard} holds no photo")
    report = report_path(options)
    counts = completed(todo, options, report)
    print(", ".join(f"{number} {what}" for what, number in counts.items() if number))
    print(*jobs.written(todo, options, counts), *([report] if report else []), sep="\n")
    return 1 if counts["failed"] else 0


def completed(todo, options, report):
    """Does the jobs here, or on a cluster; returns counts by status."""
    import kinpaint

    if options.beam:
        from kinpaint.completion import beam_steps

        return beam_steps.run(todo, options, report)
    from kinpaint.completion import runner

    return runner.run(todo, kinpaint.load(options.model), options, report)


def report_path(options):
    """Where the report goes; None for a single photo unless `--report` is given."""
    import pathlib

    from kinpaint.completion import jobs

    if options.report or jobs.is_one_file(options):
        return options.report or None
    index, count = parts.part_of(options.shard)
    part = f"-{index:05d}-of-{count:05d}" if count > 1 else ""
    return pathlib.Path(options.output) / f"report{part}.jsonl"


if __name__ == "__main__":
    cli.run(main, CompleteOptions)
