"""The end of an evaluation: records become `metrics.json`, `per_image.csv` and a page."""

import contextlib
import json
import pathlib

from kinpaint.evaluation import analysis, gallery, holes, pages, results, summary
from pipelines.base.errors import UserError


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
    rank_by = job.options.rank_by
    if rank_by not in found.metrics:
        raise UserError(f"no picture has a value of --rank_by={rank_by}: choose another metric")
    sets = results.set_distances(job, records)
    figures = summary.summarise(found, settings, job.scorer.reasons, sets, job.seed)
    figures["errors"] = analysis.analyse(found, rank_by)
    figures = _rounded(figures)
    tiles = gallery.draw(job, _chosen(figures["errors"]))
    paths = [
        out_dir / n for n in ("metrics.json", "per_image.csv", "holes.jsonl", "report.html")
    ]
    shard = job.options.shard.replace("/", "-of-")
    with _replaced(paths[0], shard) as path:
        path.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n")
    with _replaced(paths[1], shard) as path:
        summary.write_rows(path, found)
    with _replaced(paths[2], shard) as path:
        holes.write(path, job.holes, _hole_rows(found))
    with _replaced(paths[3], shard) as path:
        path.write_text(pages.render(figures, found, tiles, job.options))
    return paths


def _chosen(errors):
    """Contestant's name -> indices of the pictures that the page shows."""
    return {
        name: {*e["best"], *e["median"], *(worst["index"] for worst in e["worst"])}
        for name, e in errors.items()
    }


def _hole_rows(found):
    columns = ("index", "image", "family", "hole_fraction", "sha256")
    values = zip(*(found.pictures[column] for column in columns), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in values]


def _rounded(tree):
    """All floats to six digits: the last ones depend on the order of summation."""
    if isinstance(tree, dict):
        return {key: _rounded(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_rounded(value) for value in tree]
    return float(f"{tree:.6g}") if isinstance(tree, float) else tree


@contextlib.contextmanager
def _replaced(path, shard):
    """A path to write to that takes the place of `path` at the end.

    Each shard has its own: two that end together both write the report.
    """
    partial = path.with_name(f"{path.name}.{shard}.partial")
    yield partial
    partial.replace(path)
