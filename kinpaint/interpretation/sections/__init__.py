"""The sections of a page, one a file: each makes a `Section` of a `Case`."""

from kinpaint.interpretation.sections import (
    attention,
    dependence,
    errors,
    gates,
    memory,
    overview,
    propagation,
)

ALL = (
    overview.section,
    errors.section,
    attention.section,
    gates.section,
    propagation.section,
    dependence.section,
    memory.section,
)
