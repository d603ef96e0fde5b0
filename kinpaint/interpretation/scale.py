"""Between pixels and the coarser maps of a network's layers."""

import cv2
import numpy as np

from kinpaint import images


def reduced(image, hole, side):
    """Picture and hole with no side longer than `side` pixels.

    A pixel that any of the hole falls into is hole: nothing from under it shows.

    Args:
        image: uint8 [H, W, 3].
        hole: bool [H, W].
        side: pixels.

    Returns:
        uint8 [h, w, 3] and bool [h, w]; the arguments where they are small enough.
    """
    longest = max(hole.shape)
    if longest <= side:
        return image, hole
    size = [max(round(length * side / longest), 1) for length in hole.shape[::-1]]
    share = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), share > 0.0


def stride(network, size, places):
    """Pixels from one place of a layer's map to the next.

    Args:
        network: says by `multiple` how far it pads.
        size: height or width of the picture.
        places: the map's.
    """
    return 2 ** int(np.ceil(np.log2(_padded(network, size) / places)))


def hole_shares(network, hole, places):
    """Share of hole in each place of a layer's map.

    Args:
        network: says by `multiple` how far it pads.
        hole: bool [H, W].
        places: (h, w) of the map.

    Returns:
        float32 [h, w] in [0, 1].
    """
    mask = hole[None, ..., None].astype(np.float32)
    padded, _ = images.pad_to_multiple(mask, mask, network.multiple)
    plane = np.asarray(padded)[0, ..., 0]
    return cv2.resize(plane, places[::-1], interpolation=cv2.INTER_AREA)


def enlarged(network, values, size):
    """A layer's map [h, w, ...] at the picture's size (H, W), each place a block."""
    for axis in (0, 1):
        step = stride(network, size[axis], values.shape[axis])
        values = np.repeat(values, step, axis=axis)
    return values[: size[0], : size[1]]


def _padded(network, size):
    return -(-size // network.multiple) * network.multiple
