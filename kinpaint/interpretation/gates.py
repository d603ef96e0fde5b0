"""Gates of gated convolutions in the hole against those of what is known.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", figure 3: some
channels of a trained network pass the hole and stop the picture, others the reverse.
"""

import numpy as np


def compare(gates, shares):
    """One layer's gates in and outside the hole.

    Args:
        gates: float [h, w, C] in (0, 1).
        shares: float [h, w], the share of hole in each place.

    Returns:
        A dict: `hole` and `known`, means over places (each counted by its share) and
        channels, None where there is no such place; `selectivity`, float [C], each
        channel's mean in the hole minus its mean in what is known, or None.
    """
    hole, known = _mean(gates, shares), _mean(gates, 1.0 - shares)
    both = hole is not None and known is not None
    return {
        "hole": None if hole is None else float(hole.mean()),
        "known": None if known is None else float(known.mean()),
        "selectivity": hole - known if both else None,
    }


def _mean(gates, weights):
    total = weights.sum()
    return np.einsum("hwc,hw->c", gates, weights) / total if total > 0 else None
