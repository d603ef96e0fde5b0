"""The picture, its hole, the filling and the truth."""

from kinpaint.interpretation.figures import Panel, panels
from kinpaint.interpretation.section import Drawing, Section


def section(case):
    """Facts: the hole's share of the picture, its size in pixels."""
    subject = case.subject
    hole = subject.hole
    shown = [
        Panel("hole", subject.masked),
        Panel(f"filled by {case.model.name}", case.completed),
        Panel("truth", subject.truth),
    ]
    height, width = hole.shape
    return Section(
        "picture",
        "The picture",
        facts={
            "height": height,
            "width": width,
            "hole_fraction": float(hole.mean()),
        },
        text=(f"{width} x {height} pixels, {100 * hole.mean():.1f} % of them hole.",),
        drawings=(Drawing("picture", "Hole, filling and truth.", panels(shown)),),
    )
