"""Where the filling errs, and how that grows with the distance from what is known."""

import numpy as np

from kinpaint.interpretation import errors
from kinpaint.interpretation.figures import Panel, curves, panels
from kinpaint.interpretation.section import Drawing, Section


def section(case):
    """Facts: `psnr_hole` in dB, `l1_hole` of the full range, `rings` (`errors.rings`)."""
    subject, hole = case.subject, case.subject.hole
    signed = (case.completed / 255.0 - subject.truth / 255.0).mean(axis=-1)
    apart = np.abs(case.completed / 255.0 - subject.truth / 255.0)
    rings = errors.rings(subject.truth, case.completed, hole)
    psnr = errors.psnr(np.square(apart[hole]).mean())
    facts = {"psnr_hole": psnr, "l1_hole": float(apart[hole].mean()), "rings": rings}
    most = max(np.abs(signed).max(), 1 / 255)
    maps = {
        "too dark / too bright": (signed, "RdBu_r", (-most, most)),
        "absolute error": (apart.mean(axis=-1), "inferno", None),
    }
    shown = [
        Panel(title, np.where(hole, values, np.nan), *look, bar=True, under=subject.truth)
        for title, (values, *look) in maps.items()
    ]
    drawings = [Drawing("errors", "Error in the hole, mean of the channels.", panels(shown))]
    finite = [ring for ring in rings if ring["psnr"] is not None]
    if len(finite) > 1:
        line = ([r["to_px"] or 128 for r in finite], [r["psnr"] for r in finite])
        plot = curves({"PSNR": line}, "distance to known pixels, px (up to)", "dB", log=True)
        drawings.append(Drawing("errors_rings", "PSNR by distance from what is known.", plot))
    return Section(
        "errors",
        "Errors",
        facts=facts,
        text=(
            f"PSNR in the hole: {_decibels(psnr)}. The truth is what the file holds under the "
            f"hole; another filling can be as good.",
        ),
        header=("up to, px", "hole pixels", "PSNR"),
        rows=tuple((r["to_px"] or "beyond", r["pixels"], _decibels(r["psnr"])) for r in rings),
        drawings=tuple(drawings),
    )


def _decibels(psnr):
    return "no error" if psnr is None else f"{psnr:.2f} dB"
