"""One explanation from settings to pages."""

import functools
import json
import math
import pathlib
import time

import numpy as np

import kinpaint
from kinpaint.interpretation import pages, recall, sections, subjects
from kinpaint.interpretation.case import Case, Model
from kinpaint.metrics.lpips import exact_float32
from pipelines import listing


@exact_float32()
def explain(photo, options):
    """Writes a page a picture, an index, the figures and explain.json.

    Args:
        photo: `pipelines.options.PhotoOptions`, its level and split resolved.
        options: `ExplainOptions`.

    Returns:
        The paths written.

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    contestant, chosen = subjects.gather(photo, options)
    searched = subjects.training(photo, options)
    model = Model(contestant)
    fillings = [model.filled(subject) for subject in chosen]
    found = _found(chosen, fillings, searched, options.show)
    out_dir = pathlib.Path(options.out_dir)
    listing.mark_written(out_dir / "figures")
    entries = []
    for subject, filling, near in zip(chosen, fillings, found, strict=True):
        block = options.block or math.ceil(max(subject.hole.shape) / 16)
        case = Case(subject, model, filling, near, block, photo.batch_size)
        entries.append(_write(out_dir, case))
    return [*(out_dir / entry["page"] for entry in entries), *_ends(out_dir, model, entries)]


def _found(chosen, fillings, photos, show):
    if isinstance(photos, str):
        return [recall.Found(reason=photos)] * len(chosen)
    may_show = functools.partial(subjects.matches, pattern=show)
    return recall.search(chosen, fillings, photos, may_show)


def _write(out_dir, case):
    """Writes a picture's page and figures; its entry of explain.json."""
    made = [section(case) for section in sections.ALL]
    name = case.subject.name
    figures = {}
    for section in made:
        for drawing in section.drawings:
            path = out_dir / "figures" / f"{name}_{drawing.name}.png"
            path.write_bytes(drawing.png)
            figures.setdefault(section.key, []).append(path.relative_to(out_dir).as_posix())
    page = f"{name}.html"
    (out_dir / page).write_text(pages.render(case, made), encoding="utf-8")
    return {
        "name": name,
        "image": case.subject.image,
        "page": page,
        **{s.key: {"reason": s.reason} if s.reason else s.facts for s in made},
        "figures": figures,
        "thumbnail": pages.thumbnail(case),
    }


def _ends(out_dir, model, entries):
    """Writes what is about all pictures, and returns where."""
    index, figures = out_dir / "index.html", out_dir / "explain.json"
    index.write_text(pages.index(model, entries), encoding="utf-8")
    content = {
        "model": {"name": model.name, "source": model.source},
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kinpaint": kinpaint.__version__,
        "pictures": [{k: v for k, v in e.items() if k != "thumbnail"} for e in entries],
    }
    text = json.dumps(_plain(content), indent=1, allow_nan=False, ensure_ascii=False)
    figures.write_text(text + "\n", encoding="utf-8")
    return [index, figures]


def _plain(tree):
    """The tree with floats of six digits, for JSON."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    return float(f"{tree:.6g}") if isinstance(tree, float | np.floating) else tree
