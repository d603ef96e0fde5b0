"""The report's charts as matplotlib figures, in the style of the evaluation's page."""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from kinpaint.evaluation import plots
from kinpaint.reporting import wording

# A name with two dollar signs is a name, no formula.
STYLE = {**plots.STYLE, "text.parse_math": False}
_BLUE, _GREY, _RED, _GREEN = "#0072b2", "#8a939c", "#c0392b", "#1b7a3d"


def svg(figure, height=None):
    """The figure as SVG text, drawn `height` inches high where that is given."""
    before = figure.get_size_inches()
    figure.set_size_inches(before[0], height or before[1])
    with matplotlib.rc_context(STYLE):
        text = plots.svg(figure)
    figure.set_size_inches(before)
    return text


def pixels(figure, width, height):
    """The figure drawn anew at that size, uint8 [height, width, 3]."""
    with matplotlib.rc_context(STYLE):
        before = figure.get_size_inches()
        dpi = 100 * width / 540  # letters of one size on every slide
        figure.set_dpi(dpi)
        figure.set_size_inches(width / dpi, height / dpi)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        figure.set_size_inches(before)
    return drawn


def intervals(entries, metric, reference=None, rising=False):
    """Mean and interval of each name, top down; a dashed line for a reference.

    Args:
        entries: {name: {"mean", "ci95"}}.
        metric: what the axis says.
        reference: (name, entry) drawn as line and band.
        rising: a line connects the means.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(height=1.2 + 0.34 * max(len(entries), 5))
        places = np.arange(len(entries))[::-1]
        means = [entry["mean"] for entry in entries.values()]
        axes.errorbar(
            means, places, xerr=_arms(entries.values()), fmt="o", ms=7, capsize=4, color=_BLUE
        )
        if rising:
            axes.plot(means, places, color=_BLUE, alpha=0.35, lw=1)
        if reference:
            name, entry = reference
            axes.axvline(entry["mean"], ls="--", color=_GREY, label=f"{name} (classical)")
            if entry["ci95"]:
                axes.axvspan(*entry["ci95"], color=_GREY, alpha=0.15, lw=0)
            axes.legend(frameon=False, fontsize=9, loc="best")
        axes.set_yticks(places, list(entries))
        axes.set_ylim(-0.6, len(entries) - 0.4)
        axes.set_xlabel(f"{wording.label(metric)} (mean, 95 % interval)")
        return figure


def differences(entries, metric, base, lower_is_better):
    """Paired differences to a base with their intervals; the better side in green.

    Args:
        entries: {name: {"difference", "ci95"}}.
        metric: of what.
        base: its name.
        lower_is_better: whether a negative difference is the better one.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(height=1.2 + 0.34 * max(len(entries), 5))
        places = np.arange(len(entries))[::-1]
        for place, entry in zip(places, entries.values(), strict=True):
            mean = {"mean": entry["difference"], "ci95": entry["ci95"]}
            low, high = entry["ci95"] or (0.0, 0.0)
            colour = _GREY if low <= 0 <= high else _RED
            if colour == _RED and (low > 0) != lower_is_better:
                colour = _GREEN
            axes.errorbar(
                [mean["mean"]],
                [place],
                xerr=_arms([mean]),
                fmt="o",
                ms=7,
                capsize=4,
                color=colour,
            )
        axes.axvline(0.0, color="#222222", lw=1)
        axes.set_yticks(places, list(entries))
        axes.set_ylim(-0.6, len(entries) - 0.4)
        axes.set_xlabel(f"{wording.label(metric)}: difference to {base} (95 % interval)")
        return figure


def curves(lines, across, up):
    """Lines {name: [(x, y)]}."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(height=4.0)
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", ms=3, label=str(name))
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        few = len(lines) <= 8
        axes.legend(
            frameon=False,
            fontsize=9 if few else 7,
            **(
                {"loc": "best"} if few else {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
            ),
        )
        return figure


def bars(groups, across, up):
    """Stacked bars: {group: {part: count}}."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(height=3.4)
        parts = list(dict.fromkeys(part for counts in groups.values() for part in counts))
        floor = np.zeros(len(groups))
        for part in parts:
            tall = np.array([counts.get(part, 0) for counts in groups.values()])
            axes.bar(list(groups), tall, 0.6, bottom=floor, label=part)
            floor += tall
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(0, floor.max() * 1.18 if len(floor) else 1)
        axes.legend(frameon=False, fontsize=9, ncols=4, loc="upper center")
        return figure


def by_hole(evaluation, metric, names):
    """A metric over the size of the hole."""
    buckets = evaluation.figures["buckets"]
    counts = {
        bucket: max(entry[metric]["n"] for entry in models.values())
        for bucket, models in buckets.items()
    }
    with matplotlib.rc_context(STYLE):
        return plots.bucket_figure(buckets, counts, names, metric, wording.label(metric))


def by_distance(evaluation, names):
    """The error over the distance to the nearest known pixel."""
    errors = {name: evaluation.figures["errors"][name]["by_distance"] for name in names}
    with matplotlib.rc_context(STYLE):
        return plots.distance_figure(errors)


def _axes(height):
    figure = Figure(figsize=(7, height), layout="constrained")
    return figure, figure.add_subplot()


def _arms(entries):
    """Lengths below and above each mean, [2, N]."""
    pairs = [(e["mean"], e["ci95"] or [e["mean"]] * 2) for e in entries]
    return np.array([[m - low, high - m] for m, (low, high) in pairs]).T.clip(0)
