"""`metrics.json`: the figures of a `results.Results`."""

import itertools

import numpy as np

from kinpaint.metrics import aggregate
from kinpaint.metrics.frechet import FEW
from kinpaint.metrics.registry import METRICS


def summarise(results, settings, reasons, sets, seed=0):
    """Everything that `metrics.json` holds.

    Args:
        results: a `results.Results`.
        settings: dict of what was run with what.
        reasons: metric -> why it could not be had.
        sets: `results.set_distances`.
        seed: of the intervals.
    """
    table = results.table
    return {
        "settings": settings,
        "pictures": {"scored": len(table.values), "unread": results.unread},
        "models": _models(table, reasons, seed),
        "buckets": _grouped(table, "bucket", seed),
        "families": _grouped(table, "family", seed),
        "classes": _grouped(table, "class", seed),
        "paired": _paired(table, seed),
        "sets": {
            "distances": sets,
            "warning": f"under {FEW} pictures: set distances say little here"
            if len(table.values) < FEW
            else None,
        },
        "known_pixels_changed": results.changed,
    }


def _models(table, reasons, seed):
    everything = {"": np.ones(len(table.values), bool)}
    entries = _entries(table, everything, seed)[""]
    for name in table.models:
        for metric in METRICS.values():
            if metric.name not in entries[name] and not metric.optional:
                reason = reasons.get(metric.name, "no picture has a value")
                entries[name][metric.name] = {
                    "mean": None,
                    "ci95": None,
                    "n": 0,
                    "reason": reason,
                }
    return entries


def _grouped(table, by, seed):
    groups = table.groups(by)
    order = aggregate.bucket_names() if by == "bucket" else sorted(groups)
    entries = _entries(table, groups, seed)
    return {group: entries[group] for group in order if group in entries}


def _entries(table, groups, seed):
    """Group -> name -> metric -> {"mean", "ci95", "n"}."""
    entries = {}
    for group, member in groups.items():
        inside = np.where(member[:, None, None], table.values, np.nan)
        flat = iter(aggregate.summarise(inside.reshape(len(inside), -1), seed))
        entries[group] = {
            name: {metric: next(flat) for metric in table.metrics} for name in table.models
        }
        for m, name in enumerate(table.models):
            identical = int(np.isposinf(inside[:, m]).any(axis=-1).sum())
            if identical and "psnr" in table.metrics:
                entries[group][name]["psnr"]["identical"] = identical
    return entries


def _paired(table, seed):
    """Every two contestants' differences, first named minus second."""
    metrics = [metric for metric in table.metrics if METRICS[metric].ranked]
    return [
        {
            "first": first,
            "second": second,
            "metrics": {
                metric: aggregate.paired(
                    table.column(first, metric), table.column(second, metric), metric, seed
                )
                for metric in metrics
            },
        }
        for first, second in itertools.combinations(table.models, 2)
    ]
