"""The end of an evaluation: records become `metrics.json`, `per_image.csv` and a page."""

import json
import os
import pathlib

from kinpaint.evaluation import holes, results, summary


def write(job, records, settings):
    """Writes the report of a job whose every picture is scored; returns the paths."""
    out_dir = pathlib.Path(job.options.out_dir)
    found = results.collect(job, records)
    sets = results.set_distances(job, records)
    figures = summary.summarise(found, settings, job.scorer.reasons, sets, job.seed)
    with _replacing(out_dir / "metrics.json") as path:
        path.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n")
    return [out_dir / name for name in ("metrics.json", "per_image.csv", "holes.jsonl")]
