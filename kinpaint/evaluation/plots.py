"""The page's plots as SVG text: the same bytes for the same figures."""

import io

import matplotlib
from matplotlib.figure import Figure

STYLE = {
    "svg.hashsalt": "kinpaint",  # ids of the SVG's parts would be random without it
    "svg.fonttype": "none",  # text stays text: small files, the page's own font
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.prop_cycle": matplotlib.cycler(
        color=["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555"]
    ),
}


def by_bucket(buckets, counts, names, metric, label):
    """`bucket_figure` as SVG text."""
    with matplotlib.rc_context(STYLE):
        return svg(bucket_figure(buckets, counts, names, metric, label))


def bucket_figure(buckets, counts, names, metric, label):
    """A metric's means and intervals over the buckets of hole size, a line a model.

    Args:
        buckets: the "buckets" of `metrics.json`.
        counts: bucket -> number of pictures.
        names: the contestants'.
        metric: which one.
        label: what the axis says.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes("share of the picture that is hole", label)
        for offset, name in enumerate(names):
            entries = [group[name][metric] for group in buckets.values()]
            points = [
                (
                    place + (offset - 2) * 0.04,
                    entry["mean"],
                    entry["ci95"] or [entry["mean"]] * 2,
                )
                for place, entry in enumerate(entries)
                if entry["mean"] is not None
            ]
            if points:
                places, means, intervals = zip(*points, strict=True)
                low = [m - i[0] for m, i in zip(means, intervals, strict=True)]
                high = [i[1] - m for m, i in zip(means, intervals, strict=True)]
                axes.errorbar(
                    places, means, (low, high), marker="o", ms=4, label=name, capsize=2
                )
        ticks = [f"{bucket}\nn={counts[bucket]}" for bucket in buckets]
        axes.set_xticks(range(len(buckets)), ticks)
        axes.legend(frameon=False, fontsize=9, ncols=2)
        return figure


def by_distance(errors):
    """`distance_figure` as SVG text."""
    with matplotlib.rc_context(STYLE):
        return svg(distance_figure(errors))


def distance_figure(errors):
    """Mean absolute error in the hole against the distance to the nearest known pixel."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _axes(
            "distance to the nearest known pixel, px (up to)", "L1 in the hole"
        )
        for name, points in errors.items():
            places = [point["to_px"] or 128 for point in points]
            axes.plot(places, [point["l1"] for point in points], marker="o", ms=4, label=name)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 128 else "more")
        axes.legend(frameon=False, fontsize=9, ncols=2)
        return figure


def _axes(across, up):
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def svg(figure):
    """The figure as SVG text without head."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    content = text.getvalue()
    return content[content.index("<svg") :]
