"""Plots as PNG bytes; the same numbers give the same bytes."""

import io

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib.figure import Figure  # noqa: E402

_COLOURS = ("#4269d0", "#efb118", "#3ca951", "#ff725c", "#6cc5b0", "#a463f2", "#97bbf5")


def histogram(groups, label, marks=()):
    """Outlined histograms of several groups over common bins.

    Args:
        groups: dict of name to values.
        label: what the values are.
        marks: values to draw a line at.
    """
    every = np.concatenate([np.asarray(v, float) for v in groups.values()] or [np.zeros(1)])
    low, high = np.percentile(every, [0, 99.5]) if len(every) else (0, 1)
    bins = np.linspace(low, max(high, low + 1e-6), 41)
    figure, axes = _figure()
    for (name, values), colour in zip(groups.items(), _colours(len(groups)), strict=True):
        clipped = np.clip(values, bins[0], bins[-1])
        axes.hist(clipped, bins, histtype="step", label=name or "(none)", color=colour)
    for mark in marks:
        axes.axvline(mark, color="#999", linestyle=":")
    axes.set(xlabel=label, ylabel="photos")
    axes.legend(frameon=False, fontsize=8)
    return _png(figure)


def bars(counts, label, stacked=None):
    """Bars of a dict name -> number, or name -> {part: number} with the parts `stacked`."""
    figure, axes = _figure()
    places, names = range(len(counts)), [str(name) for name in counts]
    if stacked is None:
        axes.bar(places, list(counts.values()), color=_COLOURS[0])
    else:
        base = np.zeros(len(counts))
        for part, colour in zip(stacked, _colours(len(stacked)), strict=True):
            heights = np.array([group.get(part, 0) for group in counts.values()], float)
            axes.bar(places, heights, bottom=base, label=str(part) or "(none)", color=colour)
            base += heights
        axes.legend(frameon=False, fontsize=8)
    axes.set(ylabel=label)
    axes.set_xticks(places, names)
    axes.tick_params(axis="x", labelrotation=30 if len(names) > 6 else 0, labelsize=8)
    return _png(figure)


def scatter(groups, x_label, y_label):
    """Points of several groups: dict of name to (x, y)."""
    figure, axes = _figure()
    for (name, (x, y)), colour in zip(groups.items(), _colours(len(groups)), strict=True):
        axes.scatter(x, y, s=4, alpha=0.4, label=name or "(none)", color=colour, linewidths=0)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.legend(frameon=False, fontsize=8, markerscale=3)
    return _png(figure)


def jpeg(rgb, quality=85):
    """JPEG bytes of uint8 [H, W, 3]."""
    flag = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), flag)[1].tobytes()


def _colours(count):
    return [_COLOURS[index % len(_COLOURS)] for index in range(count)]


def _figure():
    figure = Figure(figsize=(5.2, 2.9), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
