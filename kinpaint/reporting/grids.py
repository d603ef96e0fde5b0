"""Grids of pictures that kinpaint.eval kept (--save_pictures), if they may be shown."""

import numpy as np
from PIL import Image

from kinpaint.evaluation.export import FOLDER
from kinpaint.evaluation.gallery import HOLE_COLOUR
from kinpaint.reporting.blocks import Pictures
from pipelines.masks.published import ListedHoles


def grid(inputs, evaluation, count):
    """`count` photos from small to large holes, evenly; None when none may be shown.

    Which ones depends on the holes alone, never on how well a model did.
    """
    allowed = sorted(
        (row["hole_fraction"], row["index"])
        for row in evaluation.holes
        if _may_show(inputs, evaluation, row)
    )
    count = min(count, len(allowed))
    places = [(2 * k + 1) * len(allowed) // (2 * count) for k in range(count)]
    caption = (
        f"{evaluation.label}: photos from small to large holes, chosen by the size of the "
        f"hole and not by the result."
    )
    return _grid(evaluation, [allowed[place][1] for place in places], caption)


def grid_of(inputs, evaluation, indices, caption):
    """Those of the pictures that may be shown; None without any."""
    rows = {row["index"]: row for row in evaluation.holes}
    allowed = [i for i in indices if i in rows and _may_show(inputs, evaluation, rows[i])]
    return _grid(evaluation, allowed, caption)


def _may_show(inputs, evaluation, row):
    return inputs.may_show(row["image"]) and _path(evaluation, "truth", row["index"]).is_file()


def _grid(evaluation, indices, caption):
    if not indices:
        return None
    holes = ListedHoles(evaluation.dir / "holes.jsonl")
    names = [name for name in _columns(evaluation) if _kept(evaluation, name, indices)]
    rows = [
        (f"{holes.rows[i]['hole_fraction']:.0%} hole", _row(evaluation, holes, names, i))
        for i in indices
    ]
    return Pictures(caption, ["with hole", *names, "true"], rows)


def _columns(evaluation):
    """The best classical method, then the trained models."""
    best = evaluation.best(evaluation.classical, evaluation.rank_by)
    return [*([best] if best else []), *evaluation.learned]


def _kept(evaluation, name, indices):
    return all(_path(evaluation, name, index).is_file() for index in indices)


def _row(evaluation, holes, names, index):
    truth = _read(_path(evaluation, "truth", index))
    masked = np.where(holes[index], np.uint8(HOLE_COLOUR), truth)
    return [masked, *(_read(_path(evaluation, name, index)) for name in names), truth]


def _path(evaluation, name, index):
    return evaluation.dir / FOLDER / name / f"{index:06d}.png"


def _read(path):
    return np.asarray(Image.open(path).convert("RGB"))
