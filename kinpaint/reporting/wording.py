"""Figures as words: units, intervals, lists. The digits are those of the evaluation's page."""

from kinpaint.evaluation.pages import LABELS, number
from kinpaint.metrics.aggregate import higher_is_better

MOST_NAMED = 6  # names in a sentence; the rest are counted


def label(metric):
    """A metric's name for people."""
    return LABELS.get(metric, metric)


def plain_label(metric):
    """The same without unit, as it stands within a sentence."""
    return label(metric).removesuffix(", dB")


def arrow(metric):
    """Which way is better; empty for a metric that is neither."""
    if metric.startswith("diversity"):
        return ""
    return "↑" if higher_is_better(metric) else "↓"


def digits(metric, figure):
    """22.01; decibels have two digits after the point everywhere in a sentence."""
    decibels = metric.startswith("psnr") and figure is not None
    return (f"{figure:.2f}" if decibels else number(figure)).replace("-", "\N{MINUS SIGN}")


def value(metric, mean):
    """22.01 dB."""
    return digits(metric, mean) + (" dB" if metric.startswith("psnr") else "")


def interval(metric, ci95):
    """(21.47 to 22.55); empty without one."""
    return f"({digits(metric, ci95[0])} to {digits(metric, ci95[1])})" if ci95 else ""


def score(metric, entry):
    """22.01 dB (21.47 to 22.55)."""
    told = (value(metric, entry["mean"]), interval(metric, entry["ci95"]))
    return " ".join(filter(None, told))


def names(items):
    """a, b and c; from the seventh on the rest are counted."""
    items = list(map(str, items))
    if len(items) > MOST_NAMED:
        items = [*items[:MOST_NAMED], f"{len(items) - MOST_NAMED} more"]
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else "none"


def count(n, thing):
    """1 picture, 2,000 pictures."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def chance(p):
    """A sign test's probability."""
    return "–" if p is None else f"{p:.2g}"


def thousands(n):
    """4,052,478 as 4.05 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= limit:
            return f"{n / limit:.3g} {unit}"
    return f"{n:g}"
