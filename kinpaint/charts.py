"""Every chart of the pages: one look, one colour a model, on a page and on a slide alike.

A chart is a function that draws on a matplotlib `Figure` or `SubFigure`. `svg` draws it for a
page; a slide draws it on a part of its own figure, in larger letters.
"""

import io
import itertools

import matplotlib
import numpy as np
from matplotlib.figure import Figure

INK, QUIET, LINE, ACCENT = "#16202b", "#5b6875", "#dfe4ea", "#0b5cad"
BETTER, WORSE, OPEN = "#1b7a3d", "#c0392b", "#8a939c"

# Okabe and Ito's colours, which colour-blind readers can tell apart; greys are kept for
# the classical methods.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195")
_GREYS = ("#a3a9b0", "#7c838b", "#565d65", "#31373d")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
STYLE = {
    "svg.hashsalt": "kinpaint",  # ids of an SVG's parts would be random without it
    "svg.fonttype": "none",  # text stays text: small files, the page's own font
    "text.parse_math": False,  # a name with two dollar signs is a name, not a formula
    "font.size": 11,
    "legend.fontsize": "small",
    "font.family": "sans-serif",
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "axes.prop_cycle": matplotlib.cycler(color=_COLOURS),
}


def styles(learned, classical=()):
    """{model: keyword arguments of a line}: the same model looks alike in every chart.

    Args:
        learned: names of the trained models, in order.
        classical: names of the classical methods; they are grey and dashed.
    """
    marks = itertools.cycle(_MARKS)
    ours = zip(learned, itertools.cycle(_COLOURS), marks, strict=False)
    theirs = zip(classical, itertools.cycle(_GREYS), marks, strict=False)
    return {
        **{name: {"color": c, "marker": m, "ls": "-"} for name, c, m in ours},
        **{name: {"color": c, "marker": m, "ls": "--", "lw": 1} for name, c, m in theirs},
    }


def svg(draw, width=6.2, height=3.6):
    """The chart as SVG text without head: the same bytes for the same figures."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    content = text.getvalue()
    return content[content.index("<svg") :]


def forest(figure, rows, axis, looks=None, zero=None, better="higher"):
    """A row a thing, a dot for its mean, a bar for its 95 % interval.

    Args:
        figure: to draw on.
        rows: {label: {series: {"mean", "ci95"}}}, from the top down.
        axis: what the horizontal axis says.
        looks: {series: style}; None: one series, coloured by what its interval says.
        zero: where a line is drawn that intervals are read against; None: nowhere.
        better: "higher" or "lower": on which side of `zero` the better values lie.
    """
    axes = figure.add_subplot()
    series = list(dict.fromkeys(name for entries in rows.values() for name in entries))
    spread = np.linspace(0.22, -0.22, len(series)) if len(series) > 1 else [0.0]
    for name, offset in zip(series, spread, strict=True):
        label = name if looks else None
        for row, entries in enumerate(rows.values()):
            if (entry := entries.get(name)) is None or entry["mean"] is None:
                continue
            if looks:
                look = {k: v for k, v in looks[name].items() if k in ("color", "marker")}
            else:
                look = {"color": _verdict_colour(entry, zero, better), "marker": "o"}
            low, high = entry["ci95"] or (entry["mean"], entry["mean"])
            arms = np.array([[entry["mean"] - low], [high - entry["mean"]]]).clip(0)
            place = len(rows) - 1 - row + offset
            axes.errorbar(
                [entry["mean"]], [place], xerr=arms, ls="", ms=6, capsize=3, label=label, **look
            )
            label = None  # once in the legend
    if zero is not None:
        axes.axvline(zero, color=INK, lw=1)
    axes.set_yticks(range(len(rows))[::-1], [_broken(label) for label in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="y", alpha=0)
    axes.set_xlabel(axis)
    if looks and len(series) > 1:
        _legend(figure, axes, len(series))


def lines(figure, series, across, up, looks, log=False):
    """Lines with points and, where given, intervals.

    Args:
        figure: to draw on.
        series: {name: [(x, mean, ci95 or None)]}; a mean of None breaks the line.
        across: what the horizontal axis says.
        up: what the vertical one says.
        looks: {name: style}.
        log: whether the horizontal axis is logarithmic, base 2.
    """
    axes = figure.add_subplot()
    told = any(p[2] for points in series.values() for p in points)  # one kind of mark for all
    for name, points in series.items():
        x = np.array([p[0] for p in points], float)
        y = np.array([np.nan if p[1] is None else p[1] for p in points])
        ends = np.array([p[2] or (m, m) for p, m in zip(points, y, strict=True)], float)
        arms = np.nan_to_num(np.stack([y - ends[:, 0], ends[:, 1] - y]).clip(0))
        few = {} if len(points) < 30 else {"markevery": max(1, len(points) // 10)}
        if told:
            axes.errorbar(x, y, arms, ms=5, capsize=2, label=name, **looks.get(name, {}))
        else:
            axes.plot(x, y, ms=4, label=name, **few, **looks.get(name, {}))
    if log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if len(series) > 1:
        _legend(figure, axes, len(series))
    return axes


def buckets(figure, groups, order, counts, models, metric, looks):
    """A metric over the size of the hole; points are joined where their bins are neighbours.

    Args:
        figure: to draw on.
        groups: the "buckets" of metrics.json.
        order: all bins in rising order, the one for all other sizes last.
        counts: {bin: pictures in it}.
        models: names.
        metric: a `registry.Metric`.
        looks: {model: style}.
    """
    shown = [bucket for bucket in order if bucket in groups]
    places = {bucket: order.index(bucket) for bucket in shown}
    series = {}
    for offset, name in enumerate(models):
        shift = (offset - (len(models) - 1) / 2) * 0.06
        points, last = [], None
        for bucket in shown:
            entry = groups[bucket][name][metric.name]
            if bucket == order[-1] or (last is not None and places[bucket] > last + 1):
                points.append((places[bucket] - 0.5, None, None))  # no neighbour: no line
            points.append((places[bucket] + shift, entry["mean"], entry["ci95"]))
            last = places[bucket]
        series[name] = points
    axes = lines(figure, series, "share of the picture that is hole", metric.axis, looks)
    ticks = [f"{share(bucket, '–')}\nn = {counts[bucket]}" for bucket in shown]
    axes.set_xticks([places[bucket] for bucket in shown], ticks)


def share(bucket, to=" to "):
    """A bin of hole sizes in words: "1 to 10 %"."""
    low, dash, high = bucket.partition("-")
    return f"{100 * float(low):g}{to}{100 * float(high):g} %" if dash else "other"


def distance(figure, errors, looks):
    """Mean absolute error in the hole against the distance to the nearest known pixel.

    Args:
        figure: to draw on.
        errors: {model: [{"to_px", "l1"}]}; `to_px` None: everything farther.
        looks: {model: style}.
    """
    series = {
        name: [(p["to_px"], p["l1"], None) for p in points if p["to_px"]]
        for name, points in errors.items()
    }
    across = "distance to the nearest known pixel, px (up to)"
    lines(figure, series, across, "L1 in the hole", looks, log=True)


def bars(figure, groups, up):
    """Stacked bars: {group: {part: count}}."""
    axes = figure.add_subplot()
    parts = list(dict.fromkeys(part for counts in groups.values() for part in counts))
    floor = np.zeros(len(groups))
    for part in parts:
        tall = np.array([counts.get(part, 0) for counts in groups.values()])
        axes.bar(list(groups), tall, 0.6, bottom=floor, label=part)
        floor += tall
    axes.set_ylabel(up)
    axes.grid(axis="x", alpha=0)
    if len(parts) > 1:
        _legend(figure, axes, len(parts))


def scatter(figure, groups, across, up):
    """A dot a thing: {group: (xs, ys)}; the vertical axis is logarithmic."""
    axes = figure.add_subplot()
    for name, (x, y) in groups.items():
        axes.scatter(x, y, s=9, alpha=0.45, lw=0, label=name, rasterized=True)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if len(groups) > 1:
        _legend(figure, axes, len(groups))


def _legend(figure, axes, count):
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels), default=0)
    columns = max(1, min(count, 72 // (longest + 6)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def _verdict_colour(entry, zero, better):
    if zero is None:
        return _COLOURS[0]
    low, high = entry["ci95"] or (zero, zero)
    if low <= zero <= high:
        return OPEN
    return BETTER if (low > zero) == (better == "higher") else WORSE


def _broken(label, width=34):
    """A long label on two lines."""
    if len(label) <= width or " " not in label:
        return label
    cut = label.rfind(" ", 0, width)
    return label[:cut] + "\n" + label[cut + 1 :] if cut > 0 else label
