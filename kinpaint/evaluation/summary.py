"""`metrics.json` and `per_image.csv`: the figures of a `results.Results`."""

import csv
import itertools

import numpy as np

from kinpaint.evaluation.results import MEASURES, METRICS
from kinpaint.metrics import aggregate
from kinpaint.metrics.frechet import FEW

# Left out where they cannot be had; all other metrics are null then, with a reason.
_OPTIONAL = ("diversity_lpips_hole", "psnr_best_of_k")


def summarise(results, settings, reasons, sets, seed=0):
    """Everything that `metrics.json` holds.

    Args:
        results: a `results.Results`.
        settings: dict of what was run with what.
        reasons: metric -> why it could not be had.
        sets: `results.set_distances`.
        seed: of the intervals.
    """
    return {
        "settings": settings,
        "pictures": {"scored": len(results.values), "unread": results.unread},
        "models": _models(results, reasons, seed),
        "buckets": _grouped(results, "bucket", seed),
        "families": _grouped(results, "family", seed),
        "classes": _grouped(results, "class", seed),
        "paired": _paired(results, seed),
        "sets": {
            "distances": sets,
            "warning": f"under {FEW} pictures: set distances say little here"
            if len(results.values) < FEW
            else None,
        },
        "known_pixels_changed": results.changed,
    }


def write_rows(path, results):
    """Writes one row a model and picture; an empty field is a value that is not defined."""
    before, after = ("image", "class", "hole_fraction"), ("family", *MEASURES[1:])
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["model", *before, *results.metrics, *after])
        for m, name in enumerate(results.names):
            for row, values in enumerate(results.values[:, m]):
                left, right = (
                    [results.pictures[column][row] for column in columns]
                    for columns in (before, after)
                )
                writer.writerow([name, *left, *map(_text, values), *right])


def _text(value):
    return "" if np.isnan(value) else f"{value:.6g}"


def _models(results, reasons, seed):
    everything = {"": np.ones(len(results.values), bool)}
    entries = _entries(results, everything, seed)[""]
    for name in results.names:
        for metric in METRICS:
            if metric not in entries[name] and metric not in _OPTIONAL:
                reason = reasons.get(metric, "no picture has a value")
                entries[name][metric] = {"mean": None, "ci95": None, "n": 0, "reason": reason}
    return entries


def _grouped(results, by, seed):
    groups = results.groups(by)
    order = aggregate.bucket_names() if by == "bucket" else sorted(groups)
    entries = _entries(results, groups, seed)
    return {group: entries[group] for group in order if group in entries}


def _entries(results, groups, seed):
    """Group -> name -> metric -> {"mean", "ci95", "n"}."""
    entries = {}
    for group, member in groups.items():
        inside = np.where(member[:, None, None], results.values, np.nan)
        flat = iter(aggregate.summarise(inside.reshape(len(inside), -1), seed))
        entries[group] = {
            name: {metric: next(flat) for metric in results.metrics} for name in results.names
        }
        for m, name in enumerate(results.names):
            identical = int(np.isposinf(inside[:, m]).any(axis=-1).sum())
            if identical and "psnr" in results.metrics:
                entries[group][name]["psnr"]["identical"] = identical
    return entries


def _paired(results, seed):
    """Every two contestants' differences, first named minus second."""
    metrics = [metric for metric in results.metrics if metric not in aggregate.UNRANKED]
    return [
        {
            "first": first,
            "second": second,
            "metrics": {
                metric: aggregate.paired(
                    results.column(first, metric), results.column(second, metric), metric, seed
                )
                for metric in metrics
            },
        }
        for first, second in itertools.combinations(results.names, 2)
    ]
