"""How far a filling is from the truth, and how that grows away from what is known."""

import numpy as np

from kinpaint.evaluation.difficulty import DISTANCES, distance_to_known


def rings(truth, completed, hole):
    """PSNR in rings of the hole, by distance from the nearest known pixel.

    Args:
        truth: uint8 [H, W, 3].
        completed: uint8 [H, W, 3].
        hole: bool [H, W].

    Returns:
        A list of dicts, from the rim inwards: `to_px` (None: no end), `pixels` and `psnr`
        in dB (None where not one pixel differs); rings without a pixel are left out.
    """
    squared = np.square(completed[hole] / 255.0 - truth[hole] / 255.0).mean(axis=-1)
    bins = np.searchsorted(DISTANCES, distance_to_known(hole[..., None])[hole])
    return [
        {
            "to_px": None if np.isinf(DISTANCES[ring]) else float(DISTANCES[ring]),
            "pixels": int((bins == ring).sum()),
            "psnr": psnr(squared[bins == ring].mean()),
        }
        for ring in np.unique(bins)
    ]


def psnr(mean_squared):
    """Decibels of a mean squared error in units of the full range; None for none at all."""
    return None if mean_squared == 0 else float(-10.0 * np.log10(mean_squared))
