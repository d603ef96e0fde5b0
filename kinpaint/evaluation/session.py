"""One evaluation from settings to report."""

import pathlib

from kinpaint.evaluation import preparing, report, results, runner
from kinpaint.evaluation.records import Records
from kinpaint.metrics.lpips import exact_float32


@exact_float32()
def evaluate(photo, options):
    """Scores this process's share and, when nothing is missing, writes the report.

    Args:
        photo: `pipelines.options.PhotoOptions`, its level and split resolved.
        options: `EvalOptions`.

    Returns:
        The paths written, and how many scores other shards still owe (then no paths).

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    job = preparing.prepare(photo, options)
    mine = preparing.share(options.shard, sorted(job.photos))
    with Records(pathlib.Path(options.out_dir) / "scores", options.shard) as records:
        runner.run(job, records, mine)
        missing = results.missing(job, records)
        if missing:
            return [], missing
        return report.write(job, records, preparing.settings(photo, job)), 0
