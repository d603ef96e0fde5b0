"""Figures as PNG bytes: panels with titles side by side, and curves."""

import dataclasses
import io

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionStyle, FancyArrowPatch

_INCHES = 2.0  # a panel's side
_DPI = 110


@dataclasses.dataclass(frozen=True)
class Panel:
    """A picture, or a map drawn in colours.

    Attributes:
        title: above it; may have several lines.
        picture: uint8 [H, W, 3], or float [H, W]; NaN shows what is under it.
        colours: matplotlib's name of a map's colours.
        limits: values of a map's first and last colour; None: its own.
        bar: whether a bar tells the colours' values.
        under: uint8 [H, W, 3], shown pale under a map; None: white.
        hole: bool [H, W], drawn as an outline; None: no outline.
        arrows: pairs of (row, column): from, to.
    """

    title: str
    picture: np.ndarray
    colours: str = "viridis"
    limits: tuple | None = None
    bar: bool = False
    under: np.ndarray | None = None
    hole: np.ndarray | None = None
    arrows: tuple = ()


def panels(shown, columns=4):
    """PNG bytes of panels in rows of `columns`."""
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(
        figsize=(_INCHES * columns, (_INCHES + 0.35) * rows), dpi=_DPI, layout="constrained"
    )
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, panel in zip(grid, shown, strict=False):
        _draw(figure, axes, panel)
    return _png(figure)


def curves(lines, across, up, log=False):
    """PNG bytes of a plot.

    Args:
        lines: label -> (x, y).
        across: what x is.
        up: what y is.
        log: whether x doubles from tick to tick.
    """
    figure = Figure(figsize=(5.2, 2.9), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.set(xlabel=across, ylabel=up)
    for label, (x, y) in lines.items():
        axes.plot(x, y, marker="o" if len(x) < 20 else "", ms=4, label=label)
    if log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False, fontsize=8)
    return _png(figure)


def picture(pixels):
    """PNG bytes of uint8 [H, W, 3] as it is."""
    figure = Figure(figsize=(pixels.shape[1] / 100, pixels.shape[0] / 100), dpi=100)
    figure.figimage(pixels)
    return _png(figure)


def _draw(figure, axes, panel):
    low, high = panel.limits or (None, None)
    if panel.under is not None:
        axes.imshow(_pale(panel.under), interpolation="nearest")
    drawn = axes.imshow(
        panel.picture, cmap=panel.colours, vmin=low, vmax=high, interpolation="nearest"
    )
    axes.set_title(panel.title, fontsize=8)
    if panel.bar:
        figure.colorbar(drawn, ax=axes, shrink=0.7, pad=0.02).ax.tick_params(labelsize=6)
    if panel.hole is not None and panel.hole.any() and not panel.hole.all():
        axes.contour(panel.hole, levels=[0.5], colors="#00d5ff", linewidths=0.9)
    for start, end in panel.arrows:
        axes.add_patch(
            FancyArrowPatch(
                start[::-1],
                end[::-1],
                connectionstyle=ConnectionStyle("Arc3", rad=0.15),
                arrowstyle="-|>",
                mutation_scale=7,
                color="#ffe14d",
                linewidth=1.1,
            )
        )


def _pale(pixels):
    """Grey, with half of the contrast, on white."""
    grey = 255.0 - (255.0 - pixels.mean(axis=-1, keepdims=True)) / 2.0
    return np.uint8(np.broadcast_to(grey, pixels.shape))


def _png(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
