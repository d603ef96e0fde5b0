"""Completed pictures side by side, as far as they may be shown."""

from kinpaint.reporting.blocks import Section, Slide
from kinpaint.reporting.grids import grid
from kinpaint.reporting.texts import own

_ROWS, _SLIDE_ROWS = 8, 3


def pictures(inputs):
    """A grid of every evaluation that kept its pictures; None without any."""
    grids = [(e, grid(inputs, e, _ROWS)) for e in inputs.evaluations]
    grids = [(evaluation, found) for evaluation, found in grids if found]
    if not grids:
        return None
    evaluation = grids[0][0]
    few = grid(inputs, evaluation, _SLIDE_ROWS)
    slide = Slide("Pictures", [few.caption], few)
    blocks = [*own(inputs, "pictures"), *(found for _, found in grids)]
    return Section("pictures", "Pictures", blocks, [slide])
