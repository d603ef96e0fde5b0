"""Attention flow as colours: hue is the direction copied from, strength the distance."""

import numpy as np
from matplotlib.colors import hsv_to_rgb


def colours(flow):
    """Colours of displacements.

    Args:
        flow: int [H, W, 2]: rows and columns from each place to its source.

    Returns:
        uint8 [H, W, 3]; white stays in place, full colour is the longest possible way.
    """
    flow = np.asarray(flow, np.float32)
    height, width = flow.shape[:2]
    rows, columns = flow[..., 0], flow[..., 1]
    hue = (np.arctan2(rows, columns) / (2 * np.pi)) % 1.0
    strength = np.hypot(rows, columns) / max(np.hypot(height - 1, width - 1), 1.0)
    hsv = np.stack([hue, np.sqrt(np.clip(strength, 0, 1)), np.ones_like(hue)], axis=-1)
    return np.round(hsv_to_rgb(hsv) * 255).astype(np.uint8)


def wheel(side=65):
    """The colours of all displacements, none in the middle, uint8 [side, side, 3]."""
    way = np.arange(side) - side // 2
    return colours(np.stack(np.meshgrid(way, way, indexing="ij"), axis=-1) * 2)
