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
from pipelines.base import files


@exact_float32()
def explain(photo, options):
    """Writes a page a picture, an index, the figures and explain.json.

    Args:
        photo: `pipelines.options.PhotoOptions`, as told.
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
    before = _written(out_dir)
    entries = []
    for subject, filling, near in zip(chosen, fillings, found, strict=True):
        block = options.block or math.ceil(max(subject.hole.shape) / 16)
        case = Case(subject, model, filling, near, block, photo.batch_size)
        entries.append(_write(out_dir, case))
    ends = _ends(out_dir, model, entries)
    for path in before - _written(out_dir):  # pages of another model, or of other pictures
        files.remove(path)
    return [*(out_dir / entry["page"] for entry in entries), *ends]


def _written(out_dir):
    """The pages and figures that explain.json says are there."""
    path = out_dir / "explain.json"
    entries = files.one(path).get("pictures", []) if path.is_file() else []
    names = [entry["page"] for entry in entries]
    names += [f for entry in entries for found in entry["figures"].values() for f in found]
    return {out_dir / name for name in names if listing.stays_inside(name)}


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
    files.write(out_dir / page, pages.render(case, made))
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
    files.write(index, pages.index(model, entries))
    content = {
        "model": {"name": model.name, "source": model.source, "fingerprint": model.key},
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "kinpaint": kinpaint.__version__,
        "pictures": [{k: v for k, v in e.items() if k != "thumbnail"} for e in entries],
    }
    text = json.dumps(_plain(content), indent=1, allow_nan=False, ensure_ascii=False)
    files.write(figures, text + "\n")
    return [index, figures]


def _plain(tree):
    """The tree with floats of six digits, for JSON."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree]
    return float(f"{tree:.6g}") if isinstance(tree, float | np.floating) else tree
