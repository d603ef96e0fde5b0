"""report.html: the sections as one file with everything inlined."""

import jinja2

from kinpaint.reporting import charts, embedding, markdown


def environment():
    """Templates in which everything is escaped but our own charts and safe Markdown."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("kinpaint.reporting", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    env.filters.update(
        svg=charts.svg,
        picture=embedding.picture,
        film=embedding.film,
        markdown=markdown.to_html,
    )
    return env


def render(title, sections):
    """The report as text."""
    template = environment().get_template("report.html.j2")
    return template.render(title=title, sections=sections)
