"""Where each pixel of the hole was copied from."""

import numpy as np

from kinpaint.interpretation import attention, flow, scale
from kinpaint.interpretation.figures import Panel, panels
from kinpaint.interpretation.section import Drawing, Section

TITLE = "Contextual attention"
_ARROWS = 8


def section(case):
    """Facts: layer -> `_facts` below."""
    if case.model.network is None:
        return Section("attention", TITLE, reason=case.model.reason)
    if not case.heard.flows:
        return Section("attention", TITLE, reason="This network has no contextual attention.")
    facts, drawings = {}, []
    for layer in case.heard.flows:
        facts[layer], drawing = _layer(case, layer)
        drawings.append(drawing)
    text = (
        "Hue is the direction a place was copied from, strength the distance (white: none). "
        "The copy is a picture made by following the best match of each place, not the "
        "filling itself: the network blends matches, and paints over them. Pixels whose "
        "best match is no known one keep the filling. A place can be matched only with "
        "one whose neighbours are known too; where there is none, the attention gives zeros "
        "and the flow shows the hole's own colour.",
    )
    header = ("layer", "mass on known", "on hole", "lost", "matched", "sources", "way, px")
    keys = ("mass_known", "mass_hole", "mass_lost", "matched", "effective_sources")
    keys += ("distance_px",)
    rows = tuple(
        (layer, *("-" if values[key] is None else f"{values[key]:.3g}" for key in keys))
        for layer, values in facts.items()
    )
    return Section("attention", TITLE, "", facts, text, header, rows, tuple(drawings))


def _layer(case, layer):
    """Facts and drawing of one attention."""
    network, subject = case.model.network, case.subject
    hole, places = subject.hole, case.heard.flows[layer]
    weights = case.heard.weights[layer]
    shares = scale.hole_shares(network, hole, places.shape[:2])
    steps = [scale.stride(network, hole.shape[axis], places.shape[axis]) for axis in (0, 1)]
    matched = weights.sum(axis=-1) > 0
    filled = hole & scale.enlarged(network, matched, hole.shape)
    moves = scale.enlarged(network, places * steps, hole.shape)
    copy, had = attention.copied(case.completed, filled, hole, moves)
    masses = attention.masses(weights, shares)
    facts = {
        **{f"mass_{name}": masses[name] for name in ("known", "hole", "lost")},
        "matched": masses["matched"],
        "effective_sources": masses["sources"],
        "distance_px": float(np.hypot(*moves[filled].T).mean()) if filled.any() else None,
        "copied_from_known": float(had[hole].mean()),
        "places": list(places.shape[:2]),
    }
    colours = scale.enlarged(network, flow.colours(places), hole.shape)
    ends = attention.examples(shares * matched, _ARROWS)
    arrows = tuple(_arrow(place, places[place], steps) for place in ends)
    shown = [
        Panel("flow", np.where(filled[..., None], colours, subject.masked)),
        Panel("colours of the flow", flow.wheel()),
        Panel("best matches", case.completed, hole=hole, arrows=arrows),
        Panel("copy of the best matches", copy, hole=hole),
    ]
    caption = (
        f"Layer {layer}, {places.shape[0]} x {places.shape[1]} places; "
        f"{100 * masses['matched']:.0f} % of the hole have a match."
    )
    return facts, Drawing(_file(layer), caption, panels(shown))


def _arrow(place, move, steps):
    """From the middle of a source to the middle of the place, in pixels."""
    middle = [(x + 0.5) * step - 0.5 for x, step in zip(place, steps, strict=True)]
    source = [m + x * step for m, x, step in zip(middle, move, steps, strict=True)]
    return tuple(source), tuple(middle)


def _file(layer):
    return "attention" if layer == "attention" else f"attention_{layer}"
