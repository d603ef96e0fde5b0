"""What makes a hole hard, measured on the true picture; and where in it a model errs."""

import cv2
import numpy as np

# Upper ends, in pixels, of the bins of distance to the nearest known pixel.
DISTANCES = (1, 2, 4, 8, 16, 32, 64, np.inf)
EDGE = 0.1  # gradient of luminance a pixel, in units of the full range, that counts as an edge


def describe(truth, hole):
    """Measures one hole.

    Args:
        truth: uint8 [S, S, 3].
        hole: bool [S, S, 1].

    Returns:
        A dict: `hole_fraction` of the picture; `hole_width`, the diameter in pixels of
        the largest disc inside the hole; `edge_density`, the share of its pixels with
        a luminance gradient above 0.1; `contrast`, the standard deviation of its
        luminance; `at_border`, whether it touches the picture's border. In an empty
        hole all are 0.
    """
    inside = hole[..., 0]
    if not inside.any():
        return dict.fromkeys(
            ("hole_fraction", "hole_width", "edge_density", "contrast", "at_border"), 0.0
        )
    luminance = cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY).astype("float32") / 255.0
    # Sobel's kernel gives 8 on a slope of one a pixel.
    across = cv2.Sobel(luminance, cv2.CV_32F, 1, 0) / 8.0
    down = cv2.Sobel(luminance, cv2.CV_32F, 0, 1) / 8.0
    border = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    return {
        "hole_fraction": float(inside.mean()),
        "hole_width": float(2.0 * distance_to_known(hole).max()),
        "edge_density": float((np.hypot(across, down)[inside] > EDGE).mean()),
        "contrast": float(luminance[inside].std()),
        "at_border": float(border.any()),
    }


def distance_to_known(hole):
    """Distance of every pixel to the nearest known one, float32 [S, S], in pixels."""
    distance = cv2.distanceTransform(np.uint8(hole), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.minimum(distance, max(hole.shape))  # nothing known at all: OpenCV has no end


def errors_by_distance(truth, completed, hole):
    """Sum of absolute errors and number of hole pixels in each bin of `DISTANCES`.

    Returns:
        Two lists; errors are means over the channels, in units of the full range.
    """
    inside = hole[..., 0]
    error = np.abs(truth.astype(int) - completed)[inside].mean(axis=-1) / 255.0
    bins = np.searchsorted(DISTANCES, distance_to_known(hole)[inside])
    sums = np.bincount(bins, error, len(DISTANCES))
    return sums.tolist(), np.bincount(bins, minlength=len(DISTANCES)).tolist()
