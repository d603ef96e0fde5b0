"""The presentation: the sections' slides as 8 to 12 pages, and slides.html."""

import dataclasses

from kinpaint.reporting import page
from kinpaint.reporting.blocks import Slide

MOST = 12
_FOLDED = 3  # bullets that each of two folded slides keeps


def build(sections):
    """The slides in order; the last two become one where there are too many.

    Args:
        sections: `blocks.Section`s in order.
    """
    slides = [slide for section in sections for slide in section.slides]
    if len(slides) > MOST:
        *slides, first, second = slides
        bullets = [*first.bullets[:_FOLDED], *second.bullets[:_FOLDED]]
        slides.append(Slide(f"{first.title}, and {second.title.lower()}", bullets))
    return slides


def credit_of(slide, credits):
    """The credit line of a slide with pictures; empty on the others."""
    shown = slide.exhibit is not None and slide.exhibit.kind in ("pictures", "film")
    return "Photos: " + "; ".join(credits) if shown and credits else ""


def render(title, slides, credits):
    """slides.html as text."""
    shown = [
        {**_fields(slide), "wide": bool(slide.exhibit and slide.exhibit.wide), "credit": credit}
        for slide in slides
        for credit in [credit_of(slide, credits)]
    ]
    return page.environment().get_template("slides.html.j2").render(title=title, slides=shown)


def _fields(slide):
    return {field.name: getattr(slide, field.name) for field in dataclasses.fields(slide)}
