"""Holes for training and scoring: families of masks, drawn in the graph.

    batch("thick", seed, 16, 256, 256)                        float32 [16, 256, 256, 1]
    batch("0.5*thick + 0.5*rectangles(count=3)", ...)         a weighted mixture
    batch("strokes(hole=(0.1, 0.3))", ...)                    a wanted share of hole

A mask is 1 in the hole and 0 where the picture is known; every sample has its
own. Mask `n` of a seed depends on the seed and `n` alone: the same in eager mode,
in a graph, in a parallel map, on every replica and under XLA, and whatever the
batch size. `first=n` continues a seed's sequence, so one seed serves a whole run.

A family is a function `(draws, height, width, **settings)` that draws a sample's
random numbers and returns `render(grow)`; `fit` turns that into masks that
are never empty, never full, and of a wanted share. Any height and width.
"""

import inspect

import tensorflow as tf

from pipelines import terms
from pipelines.base.errors import UserError
from pipelines.draws import Draws
from pipelines.masks import boxes, fit, strokes
from pipelines.masks.files import files
from pipelines.masks.irregular import irregular

FAMILIES = {
    "center": boxes.center,
    "rectangles": boxes.rectangles,
    "outpaint": boxes.outpaint,
    "strokes": strokes.strokes,
    "thin": strokes.thin,
    "medium": strokes.medium,
    "thick": strokes.thick,
    "mixed": strokes.mixed,
    "irregular": irregular,
    "files": files,
}


@tf.autograph.experimental.do_not_convert
def batch(kind, seed, batch, height, width, *, first=0, **settings):
    """Draws masks.

    Args:
        kind: a family's name, or an expression of several.
        seed: int32 [2].
        batch: number of masks.
        height: pixels, at least 1.
        width: pixels, at least 1.
        first: number of the first mask in the seed's sequence.
        **settings: the family's (see its function); `hole=(least, most)` is the
            wanted share of hole, for every family.

    Returns:
        float32 [batch, height, width, 1], 1 = hole. Only a picture of a single
        pixel is all hole.

    Raises:
        UserError: an unknown family or setting; the known ones are named.
    """
    terms_ = parse(kind, **settings)
    draws = Draws(seed, batch, first)
    masks = [_masks(t, draws.branch(k), height, width) for k, t in enumerate(terms_)]
    if len(masks) == 1:
        return masks[0]
    weights = tf.cumsum(tf.constant([t.weight for t in terms_], tf.float64))
    ticket = draws.uniform([1]) * weights[-1]
    choice = tf.reduce_sum(tf.cast(ticket >= weights[:-1], tf.int32), axis=-1)
    chosen = tf.one_hot(choice, len(masks), axis=0)
    return tf.add_n(
        [m * c[:, None, None, None] for m, c in zip(masks, tf.unstack(chosen), strict=True)]
    )


def parse(kind, **settings):
    """The checked terms of an expression; `settings` are added to each."""
    parsed = terms.parse(kind, what="masks")
    for term in parsed:
        term.settings.update(settings)
        _check(term)
    return parsed


def known_settings(name):
    """The settings of a family and their defaults."""
    parameters = inspect.signature(FAMILIES[name]).parameters.values()
    return {"hole": None} | {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _check(term):
    """Raises UserError on what the family cannot do; makes single numbers ranges."""
    if term.name not in FAMILIES:
        raise UserError(f"no mask family {term.name!r}: choose from {', '.join(FAMILIES)}")
    if not 0 < term.weight < float("inf"):
        raise UserError(f"masks: the weight of {term.name} must be above 0")
    known = known_settings(term.name)
    for name, value in term.settings.items():
        if name not in known:
            raise UserError(f"{term.name} has no setting {name!r}: it has {', '.join(known)}")
        if name == "hole" or isinstance(known[name], tuple):
            term.settings[name] = _range(term.name, name, value, known[name])
        elif not (
            isinstance(value, str) if isinstance(known[name], str) else _is_number(value)
        ):
            raise UserError(f"{term.name}: {name}={value!r} must be like {known[name]!r}")


def _range(family, name, value, default):
    """A setting that is drawn from a range, as (least, most)."""
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    whole = default is not None and isinstance(default[0], int)
    kinds = int if whole else (int, float)
    good = len(pair) == 2 and all(_is_number(x, kinds) for x in pair) and pair[0] <= pair[1]
    good = good and (name == "hole" or default[0] < 0 or pair[0] >= 0)
    if name == "hole" or whole:
        good = good and (whole or 0 <= pair[0] <= pair[1] <= 1) and pair[1] > 0
    if not good:
        numbers = "whole numbers" if whole else "numbers"
        raise UserError(f"{family}: {name}={value!r} must be {numbers}, (least, most)")
    return pair


def _is_number(value, kinds=(int, float)):
    return isinstance(value, kinds) and not isinstance(value, bool)


def _masks(term, draws, height, width):
    settings, family = dict(term.settings), FAMILIES[term.name]
    own_range = "hole" in inspect.signature(family).parameters
    hole = None if own_range else settings.pop("hole", None)
    render = family(draws, height, width, **settings)
    if hole is None:
        return fit.natural(draws, render, height, width)
    return fit.within(draws, render, height, width, hole)
