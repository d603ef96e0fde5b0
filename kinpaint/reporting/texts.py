"""A person's own Markdown for a section."""

from kinpaint.reporting import markdown
from kinpaint.reporting.blocks import Markdown


def own(inputs, key):
    """The section's text as a list of one block, or an empty list."""
    return [Markdown(inputs.texts[key])] if key in inputs.texts else []


def bullets_of(inputs, key):
    """The text's bullets, empty without one."""
    return markdown.bullets(inputs.texts[key]) if key in inputs.texts else []
