"""Which known pixels the filling depends on, by two methods."""

import numpy as np

from kinpaint.interpretation import dependence
from kinpaint.interpretation.figures import Panel, curves, panels
from kinpaint.interpretation.section import Drawing, Section

TITLE = "What the filling depends on"


def section(case):
    """Facts: `block_px`, and of `occlusion` and `gradient` the `radius90_px`; `agreement`.

    `gradient` holds a `reason` where there is no network.
    """
    subject, hole, block = case.subject, case.subject.hole, case.block
    changes = dependence.occlusion(
        lambda images, holes: case.model.complete(images, holes, seed=subject.seed),
        subject.truth,
        hole,
        block,
        case.batch_size,
    )
    maps = {"occlusion": dependence.spread(changes, hole, block)}
    facts = {"block_px": block, "agreement": None, "gradient": {"reason": case.model.reason}}
    if case.model.network is not None:
        slopes = dependence.gradient(case.model.network, subject.truth, hole)
        maps["gradient"] = slopes
        facts["agreement"] = dependence.agreement(changes, slopes, hole, block)
    for method, values in maps.items():
        facts[method] = {"radius90_px": dependence.radius(values, hole)}
    facts["occlusion"]["largest_change"] = float(np.nanmax(changes, initial=0.0))
    return Section(
        "dependence",
        TITLE,
        facts=facts,
        text=_text(facts),
        drawings=tuple(_drawings(case, changes, maps)),
    )


def _text(facts):
    block = facts["block_px"]
    occlusion = (
        f"Occlusion: each block of {block} x {block} known pixels in turn is declared hole, so "
        f"that the model meets its own definition of unknown, and the mean change inside the "
        f"original hole is drawn where the block was. 90 % of it lies "
        f"{_within(facts['occlusion']['radius90_px'])} of the hole."
    )
    if "reason" in facts["gradient"]:
        return occlusion, f"Gradient: {facts['gradient']['reason']}"
    gradient = (
        f"Gradient: the norm of the filling's derivative by each known pixel. 90 % of it lies "
        f"{_within(facts['gradient']['radius90_px'])} of the hole. It sees small changes, "
        f"occlusion large ones."
    )
    if facts["agreement"] is not None:
        gradient += f" Rank correlation of both over the blocks: {facts['agreement']:.2f}."
    return occlusion, gradient


def _within(radius):
    return "nowhere near" if radius is None else f"within {radius:.1f} px"


def _drawings(case, changes, maps):
    hole, block = case.subject.hole, case.block
    height, width = hole.shape
    by_block = np.kron(changes, np.ones((block, block)))[:height, :width]
    drawn = {"occlusion: change": by_block}
    if "gradient" in maps:
        drawn["gradient: norm"] = maps["gradient"]
    shown = [Panel("the picture", case.subject.masked)]
    shown += [
        Panel(title, np.where(hole, np.nan, values), "magma_r", bar=True, hole=hole)
        for title, values in drawn.items()
    ]
    yield Drawing("dependence", "Dependence of the filling on known pixels.", panels(shown))
    lines = {
        method: dependence.by_distance(values, hole)
        for method, values in maps.items()
        if values.sum() > 0
    }
    if lines:
        plot = curves(lines, "distance from the hole, px", "share of the dependence within")
        yield Drawing("dependence_distance", "How near the dependence lies.", plot)
