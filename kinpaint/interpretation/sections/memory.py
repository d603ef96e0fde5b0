"""Whether the filling was remembered: the training patches nearest to it."""

import numpy as np

from kinpaint.interpretation.figures import Panel, panels
from kinpaint.interpretation.section import Drawing, Section

TITLE = "Nearest training patches"


def section(case):
    """Facts: medians `distance_filled`, `distance_truth`, least `closest_filled`; `photos`.

    `shown` names the photos that the figure shows patches of; grey panels stand for the others.
    """
    found = case.found
    if found.reason:
        return Section("nearest", TITLE, reason=found.reason)
    filled, truth = (_distances(group) for group in (found.filled, found.truth))
    facts = {
        "photos": found.photos,
        "windows": len(filled),
        "distance_filled": float(np.median(filled)),
        "distance_truth": float(np.median(truth)),
        "closest_filled": float(min(filled)),
        "shown": sorted({n for _, _, n in (*found.filled, *found.truth)} - found.withheld),
    }
    text = (
        f"Windows of {found.side} px of the picture at {found.size} px, compared over their "
        f"hole with every window of {found.photos} training photos (centred squares of that "
        f"size, and mirrored). The distance is the share of a window's variation that its "
        f"match does not explain (amplitudes): 0 a copy, 1 no better than one colour. Near 0 "
        f"for the filling and not for the truth would be memory. Median of the filling "
        f"{facts['distance_filled']:.2f}, of the truth {facts['distance_truth']:.2f}; a "
        f"smooth filling is explained easily, for everything smooth is alike.",
    )
    rows = tuple(
        (n, f"{f[1].distance:.3f}", f[2], f"{t[1].distance:.3f}", t[2])
        for n, (f, t) in enumerate(zip(found.filled, found.truth, strict=True), 1)
    )
    header = ("window", "filling", "its photo", "truth", "its photo")
    caption = "Each window over its nearest training patch, compared within the outline."
    if found.withheld:
        caption += " Grey: of a photo that is named in the table and not shown."
    drawing = Drawing("nearest", caption, _drawn(found))
    return Section("nearest", TITLE, "", facts, text, header, rows, (drawing,))


def _distances(group):
    return [match.distance for _, match, _ in group]


def _drawn(found):
    shown = []
    for label, group in (("filling", found.filled), ("truth", found.truth)):
        pairs = list(zip(group, found.holes, strict=True))
        shown += [
            Panel(f"{label} {n}", window, hole=hole)
            for n, ((window, _, _), hole) in enumerate(pairs, 1)
        ]
        shown += [
            Panel(
                f"nearest, {match.distance:.2f}", _pixels(match.patch, name, found), hole=hole
            )
            for (_, match, name), hole in pairs
        ]
    return panels(shown, len(found.filled))


def _pixels(patch, name, found):
    """The patch as a picture: grey where its photo is not to be shown."""
    levels = np.uint8(np.rint((patch + 1.0) * 127.5))
    return np.full_like(levels, 128) if name in found.withheld else levels
