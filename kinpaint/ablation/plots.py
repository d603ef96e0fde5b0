"""The study's plots as SVG files: curves over CPU time, scores, scores against cost."""

import matplotlib.pyplot as plt

from kinpaint.ablation.tables import curve
from kinpaint.charts import STYLE
from kinpaint.metrics import registry


def write(out_dir, study, runs):
    """Writes curves.svg, scores.svg and cost.svg; returns their paths."""
    metric = study["settings"]["metric"]
    drawn = {
        "curves.svg": lambda axes: _curves(axes, runs),
        "scores.svg": lambda axes: _scores(axes, study, metric),
        "cost.svg": lambda axes: _cost(axes, study, metric),
    }
    paths = []
    for name, draw in drawn.items():
        with plt.rc_context(STYLE):
            figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
            draw(axes)
            figure.savefig(out_dir / name, metadata={"Date": None})
            plt.close(figure)
        paths.append(out_dir / name)
    return paths


def _curves(axes, runs):
    """PSNR in the hole of the fixed validation batch over CPU minutes."""
    for run in runs:
        points = [(row[3], row[5]) for row in curve(run) if row[4] == "psnr_hole"]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=run.label)
    axes.set_xlabel("process CPU time, minutes")
    axes.set_ylabel("PSNR in the hole, dB (validation)")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


def _scores(axes, study, metric):
    """Mean and 95 % interval of every variant, references as open marks."""
    everyone = {**study["references"], **study["variants"]}
    for place, (name, variant) in enumerate(everyone.items()):
        entry = variant["metrics"].get(metric)
        if entry:
            low, high = entry["ci95"] or [entry["mean"]] * 2
            errors = [[entry["mean"] - low], [high - entry["mean"]]]
            face = None if name in study["variants"] else "none"
            axes.errorbar(
                entry["mean"], place, xerr=errors, fmt="o", capsize=3, markerfacecolor=face
            )
    axes.set_yticks(range(len(everyone)), list(everyone))
    axes.set_xlabel(f"{registry.of(metric).axis}: mean and 95 % interval over pictures")


def _cost(axes, study, metric):
    """Score against multiply-adds of one picture."""
    for name, variant in study["variants"].items():
        entry = variant["metrics"].get(metric)
        if entry:
            at = (variant["multiply_adds"] / 1e6, entry["mean"])
            axes.plot(*at, "o")
            axes.annotate(name, at, xytext=(5, 4), textcoords="offset points", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("multiply-adds of one picture, millions")
    axes.set_ylabel(registry.of(metric).axis)
