"""report.html: the sections as one file with everything inlined."""

from kinpaint import templates
from kinpaint.reporting import charts, embedding, markdown


def environment():
    """Templates in which everything is escaped but our own charts and safe Markdown."""
    return templates.environment(
        "kinpaint.reporting",
        svg=charts.svg,
        picture=embedding.picture,
        film=embedding.film,
        markdown=markdown.to_html,
    )


def render(title, sections):
    """The report as text."""
    template = environment().get_template("report.html.j2")
    return template.render(title=title, sections=sections)
