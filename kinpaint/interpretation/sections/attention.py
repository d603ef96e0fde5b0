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
        "filling itself: the network blends matches, and paints over them. Places whose "
        "best match is no known pixel keep the filling.",
    )
    header = ("layer", "mass on known", "mass on hole", "lost", "effective sources", "way, px")
    keys = ("mass_known", "mass_hole", "mass_lost", "effective_sources", "distance_px")
    rows = tuple(
        (layer, *(f"{values[key]:.3g}" for key in keys)) for layer, values in facts.items()
    )
    return Section("attention", TITLE, "", facts, text, header, rows, tuple(drawings))


def _layer(case, layer):
    """Facts and drawing of one attention."""
    network, hole = case.model.network, case.subject.hole
    places = case.heard.flows[layer]
    shares = scale.hole_shares(network, hole, places.shape[:2])
    steps = [scale.stride(network, hole.shape[axis], places.shape[axis]) for axis in (0, 1)]
    moves = scale.enlarged(network, places * steps, hole.shape)
    copy, had = attention.copied(case.completed, hole, moves)
    masses = attention.masses(case.heard.weights[layer], shares)
    facts = {
        **{f"mass_{name}": masses[name] for name in ("known", "hole", "lost")},
        "effective_sources": masses["sources"],
        "distance_px": float(np.hypot(*moves[hole].T).mean()),
        "copied_from_known": float(had[hole].mean()),
        "places": list(places.shape[:2]),
    }
    colours = scale.enlarged(network, flow.colours(places), hole.shape)
    arrows = tuple(
        _arrow(place, places[place], steps) for place in attention.examples(shares, _ARROWS)
    )
    shown = [
        Panel("flow", np.where(hole[..., None], colours, case.subject.truth)),
        Panel("colours of the flow", flow.wheel()),
        Panel("best matches", case.completed, hole=hole, arrows=arrows),
        Panel("copy of the best matches", copy, hole=hole),
    ]
    caption = f"Layer {layer}, {places.shape[0]} x {places.shape[1]} places."
    return facts, Drawing(_file(layer), caption, panels(shown))


def _arrow(place, move, steps):
    """From the middle of a source to the middle of the place, in pixels."""
    middle = [(x + 0.5) * step - 0.5 for x, step in zip(place, steps, strict=True)]
    source = [m + x * step for m, x, step in zip(middle, move, steps, strict=True)]
    return tuple(source), tuple(middle)


def _file(layer):
    return "attention" if layer == "attention" else f"attention_{layer}"
