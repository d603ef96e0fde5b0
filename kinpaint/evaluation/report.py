"""The end of an evaluation: records become `metrics.json`, `per_image.csv` and a page."""

import json
import pathlib

from kinpaint.evaluation import analysis, current, gallery, pages, results, summary
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.masks import published
from pipelines.showing import Showing


def write(job, records, settings):
    """Writes the report of a job whose every picture is scored.

    Args:
        job: the `runner.Job`.
        records: its `records.Records`.
        settings: what `preparing.settings` gave.

    Returns:
        The paths written; each appears whole or not at all.
    """
    out_dir = pathlib.Path(job.options.out_dir)
    found = results.collect(job, records)
    contents = dict(zip(job.photos, job.contents, strict=True))
    scored = [contents[index] for index in found.table.pictures["index"]]
    settings = settings | {"photos": current.photos_key(scored)}
    rank_by = job.options.rank_by
    if rank_by not in found.table.metrics:
        raise UserError(f"no picture has a value of --rank_by={rank_by}: choose another metric")
    sets = results.set_distances(job, records)
    figures = summary.summarise(found, settings, job.scorer.reasons, sets, job.seed)
    figures["errors"] = analysis.analyse(found, rank_by)
    showing = Showing(settings["data_dir"], job.options.show)
    figures["shown"] = gallery.choose(found.table, figures["errors"], showing.allows)
    figures = _rounded(figures)
    drawn = gallery.draw(job, figures["shown"])
    paths = [
        out_dir / n for n in ("metrics.json", "per_image.csv", "holes.jsonl", "report.html")
    ]
    # Two shards that end together both write the report.
    files.write(paths[0], json.dumps(figures, indent=1, allow_nan=False) + "\n")
    with files.replacing(paths[1]) as path:
        found.table.save(path)
    with files.replacing(paths[2]) as path:
        published.write(path, job.holes, _hole_rows(found))
    files.write(paths[3], pages.render(figures, found.table, drawn, showing))
    return paths


def _hole_rows(found):
    columns = ("index", "image", "family", "hole_fraction", "sha256")
    values = zip(*(found.table.pictures[column] for column in columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def _rounded(tree):
    """All floats to six digits: the last ones depend on the order of summation."""
    if isinstance(tree, dict):
        return {key: _rounded(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_rounded(value) for value in tree]
    return float(f"{tree:.6g}") if isinstance(tree, float) else tree
