"""report.html: the story in a few screens, the appendix folded behind it; one file."""

from kinpaint import blocks


def render(title, chapters, credits):
    """The report as text."""
    template = blocks.environment("kinpaint.reporting").get_template("report.html.j2")
    return template.render(title=title, chapters=chapters, credits=credits)
