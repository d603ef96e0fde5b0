"""The report as one HTML page that needs nothing else."""

import base64
import html

import numpy as np

from pipelines import listing, quality
from pipelines.exploration import plots

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2em auto;
padding:0 1em;color:#222}
h1{font-size:1.6em}h2{margin-top:2em;border-bottom:1px solid #ddd}
table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}
td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #eee}
td:first-child,th:first-child{text-align:left;padding-left:0}
caption,figcaption{font-size:.85em;color:#666;text-align:left}
.row{display:flex;flex-wrap:wrap;gap:8px}figure{margin:0}
.row img{height:104px;display:block}.plots img{max-width:520px;width:100%;height:auto}
.bad{color:#b00020}.good{color:#1b7a3d}nav a{margin-right:1em}
"""


def render(survey, sections):
    """The page as text."""
    title = f"Photographs in {listing.printable(survey.root.resolve().name)}"
    problems = [problem for section in sections for problem in section.problems]
    links = (
        f'<a href="#s{n}">{n}&nbsp;{html.escape(s.title)}</a>'
        for n, s in enumerate(sections, 1)
    )
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        f"<h1>{html.escape(title)}</h1><nav>{' '.join(links)}</nav>{_verdict(problems)}",
        _means(survey),
    ]
    parts += [_section(survey.root, n, section) for n, section in enumerate(sections, 1)]
    return "\n".join(parts) + "\n</html>\n"


def _verdict(problems):
    if not problems:
        return "<p class=good>No unreadable file, no checksum mismatch, no leak.</p>"
    items = "".join(f"<li>{html.escape(problem)}" for problem in problems[:50])
    return f"<p class=bad>{len(problems)} problems:</p><ul class=bad>{items}</ul>"


def _means(survey):
    shown = [
        (
            label or "all",
            plots.jpeg(np.repeat(np.repeat(mean.round().astype(np.uint8), 2, 0), 2, 1)),
        )
        for label, mean in survey.mean_pictures.items()
    ]
    figures = "".join(_figure(caption, data, "jpeg") for caption, data in shown)
    return f"<p>Mean picture of each class:</p><div class=row>{figures}</div>"


def _section(root, number, section):
    parts = [f"<h2 id=s{number}>{number}. {html.escape(section.title)}</h2>"]
    parts += [f"<p>{html.escape(sentence)}</p>" for sentence in section.text]
    parts += [_table(*table) for table in section.tables]
    drawn = "".join(_figure(caption, data, "png") for caption, data in section.plots)
    parts += [f"<div class='row plots'>{drawn}</div>"] if drawn else []
    for caption, entries in section.galleries:
        if entries:
            figures = "".join(_thumbnail(root, path, label) for path, label in entries)
            parts.append(f"<h4>{html.escape(caption)}</h4><div class=row>{figures}</div>")
    return "\n".join(parts)


def _table(caption, header, rows):
    head = "".join(f"<th>{html.escape(str(cell))}" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}" for cell in row) for row in rows
    )
    return f"<table><caption>{html.escape(caption)}</caption><tr>{head}{body}</table>"


def _thumbnail(root, path, label):
    picture = quality.decode((root / path).read_bytes())
    small = quality.reduced(np.asarray(picture), 104)
    return _figure(label, plots.jpeg(small, 80), "jpeg", title=path)


def _figure(caption, data, kind, title=""):
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    text = html.escape(caption)
    alt = html.escape(title or caption, quote=True)
    image = f'<img src="{source}" alt="{alt}" title="{alt}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"
