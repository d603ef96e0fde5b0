"""The pages: each one file with everything inlined."""

import functools

import numpy as np

from kinpaint import templates
from kinpaint.interpretation import figures

_THUMBNAIL = 160  # pixels of the longer side


def render(case, sections):
    """A picture's page as text.

    Args:
        case: the `case.Case`.
        sections: its `section.Section`s, in order.
    """
    return _environment().get_template("page.html.j2").render(case=case, sections=sections)


def index(model, entries):
    """The page that leads to the others.

    Args:
        model: the `case.Model`.
        entries: a dict a picture: what explain.json holds of it, and its `thumbnail`.
    """
    return _environment().get_template("index.html.j2").render(model=model, entries=entries)


def thumbnail(case):
    """PNG bytes: hole and filling side by side."""
    both = np.concatenate([case.subject.masked, case.completed], axis=1)
    times = max(_THUMBNAIL // max(case.subject.hole.shape), 1)
    return figures.picture(both.repeat(times, axis=0).repeat(times, axis=1))


def _environment():
    png = functools.partial(templates.data_uri, kind="png")
    return templates.environment("kinpaint.interpretation", png=png)
