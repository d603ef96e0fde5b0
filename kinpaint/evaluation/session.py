"""One evaluation from settings to report."""

import pathlib

from kinpaint.evaluation import preparing
from kinpaint.evaluation.records import Records
from pipelines.base import parts


def evaluate(photo, options):
    """Scores this process's share and, when nothing is missing, writes the report.

    Args:
        photo: `pipelines.options.PhotoOptions`.
        options: `EvalOptions`.

    Returns:
        The paths written, and how many scores other shards still owe (then no paths).

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    preparing.check(photo, options)
    # They load TensorFlow: after what may fail without it.
    from kinpaint.evaluation import report, results, runner
    from kinpaint.metrics.lpips import exact_float32

    with exact_float32():
        job = preparing.prepare(photo, options)
        mine = parts.share(options.shard, sorted(job.photos))
        with Records(pathlib.Path(options.out_dir) / "scores", options.shard) as records:
            runner.run(job, records, mine)
            missing = results.missing(job, records)
            if missing:
                return [], missing
            return report.write(job, records, preparing.settings(job)), 0
