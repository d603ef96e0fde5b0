"""The study's files: ablation.json, table.md and curves.csv."""

import csv
import json

from kinpaint.ablation.training import history
from kinpaint.metrics import registry
from pipelines.base import files

_COSTS = ("parameters", "multiply_adds", "seconds_per_image", "steps", "cpu_minutes")
_HEADS = ("parameters", "multiply-adds", "ms a picture", "steps", "CPU minutes")


def write(out_dir, study):
    """Writes ablation.json and table.md; returns their paths.

    Args:
        out_dir: a `pathlib.Path`.
        study: {"settings", "variants", "references", "failed"}: see `study.gather`.
    """
    record, table = out_dir / "ablation.json", out_dir / "table.md"
    files.write(record, json.dumps(study, indent=1) + "\n")
    files.write(table, markdown(study))
    return [record, table]


def markdown(study):
    """The comparison as a Markdown table: a row a variant, references below."""
    settings, everyone = study["settings"], {**study["variants"], **study["references"]}
    had = {metric for variant in everyone.values() for metric in variant["metrics"]}
    metrics = [metric for metric in settings["metrics"] if metric in had]
    heads = [f"{m.axis} {m.arrow}" for m in map(registry.of, metrics)]
    difference = f"{registry.of(settings['metric']).axis} against {settings['base']}"
    rows = [["variant", *heads, difference, "p", "seeds", *_HEADS]]
    rows.append(["---"] * len(rows[0]))
    for name, variant in everyone.items():
        scores = [_with_interval(variant["metrics"].get(metric)) for metric in metrics]
        rows.append([name, *scores, *_tested(variant, settings["metric"]), *_costs(variant)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines += [
        f"\n{name}: scored at {variant['image_size']} px under {variant['masks']} on "
        f"{variant['classes'] or 'all classes'}, so not compared with {settings['base']} "
        "picture by picture"
        for name, variant in study["variants"].items()
        if variant["versus_base"] is None and name != settings["base"]
    ]
    lines += [f"\n{label}: {reason}" for label, reason in study["failed"].items()]
    return "\n".join([*lines, ""])


def write_curves(path, runs):
    """One row a validation: variant, seed, step, cpu_minutes, metric, value."""
    with files.replacing(path) as unfinished, open(unfinished, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["variant", "seed", "step", "cpu_minutes", "metric", "value"])
        writer.writerows(row for run in runs for row in curve(run))


def curve(run):
    """The rows of one run, validations only."""
    return [
        [run.variant.name, run.seed, line["step"], line["cpu_minutes"], name[4:], value]
        for line in history(run)
        for name, value in line.items()
        if name.startswith("val_")
    ]


def _with_interval(entry):
    if not entry or entry["mean"] is None:
        return ""
    low, high = entry["ci95"] or [entry["mean"]] * 2
    return f"{entry['mean']:.4g} ({low:.4g} to {high:.4g})"


def _tested(variant, metric):
    tested = (variant["versus_base"] or {}).get(metric)
    if not tested:
        return ["", ""]
    ends, p = tested["ci95"], tested["p"]
    interval = f" ({ends[0]:+.3g} to {ends[1]:+.3g})" if ends else ""
    return [f"{tested['difference']:+.3g}{interval}", "" if p is None else f"{p:.1g}"]


def _costs(variant):
    if "parameters" not in variant:
        seconds = variant["metrics"].get("seconds_per_image", {}).get("mean")
        return ["", "", "", "" if seconds is None else f"{1000 * seconds:.3g}", "", ""]
    numbers, seconds = [variant[name] for name in _COSTS], variant["seconds_per_image"]
    seeds = f"{len(variant['seeds'])}"
    return [
        seeds,
        f"{numbers[0]:,}",
        f"{numbers[1] / 1e6:,.0f} M",
        "" if seconds is None else f"{1000 * seconds:.3g}",
        f"{numbers[3]:,}",
        f"{numbers[4]:.1f}",
    ]
