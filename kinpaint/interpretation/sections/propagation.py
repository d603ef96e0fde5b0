"""How partial convolutions close the hole, layer by layer."""

from kinpaint.interpretation.figures import Panel, panels
from kinpaint.interpretation.section import Drawing, Section

TITLE = "Partial convolution: the hole shrinks"


def section(case):
    """Facts: layer -> {"hole", the share still unknown after it, and "places", [h, w]}."""
    if case.model.network is None:
        return Section("propagation", TITLE, reason=case.model.reason)
    if not case.heard.knowns:
        reason = "This network has no partial convolutions."
        return Section("propagation", TITLE, reason=reason)
    holes = {layer: 1.0 - known[..., 0] for layer, known in case.heard.knowns.items()}
    facts = {
        layer: {"hole": float(hole.mean()), "places": list(hole.shape)}
        for layer, hole in holes.items()
    }
    shown = [Panel("mask", case.subject.hole * 1.0, "gray", (0.0, 1.0))]
    shown += [
        Panel(f"{layer}\n{100 * hole.mean():.1f} % hole", hole, "gray", (0.0, 1.0))
        for layer, hole in holes.items()
    ]
    text = (
        "White is still unknown: a place is known after a layer once its window holds one "
        "known place (Liu et al. 2018, eq. 2). On the way up the joined features bring "
        "their own, larger holes; a place counts as known where any of them is.",
    )
    rows = tuple(
        (layer, f"{one['places'][1]} x {one['places'][0]}", f"{100 * one['hole']:.1f} %")
        for layer, one in facts.items()
    )
    drawing = Drawing("propagation", "The mask after each layer.", panels(shown, 8))
    header = ("layer", "places", "unknown")
    return Section("propagation", TITLE, "", facts, text, header, rows, (drawing,))
