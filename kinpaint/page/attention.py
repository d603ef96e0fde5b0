"""Where a network with contextual attention copied from, as colours on the photo.

The middle of the flow wheel is no movement; hue tells the direction in which the
best match of a place lies, saturation how far.
"""

import cv2
import numpy as np

from pipelines.cli import UserError

SIDE = 256  # pixels of the longer side of what is explained


def attention_picture(model, image, hole):
    """The photo, small, with its hole coloured by where each place was copied from.

    Args:
        model: what `kinpaint.load` gives.
        image: uint8 [H, W, 3].
        hole: bool [H, W].

    Returns:
        uint8 [h, w, 3].

    Raises:
        UserError: the network has no attention, or there is no hole.
    """
    if not hole.any():
        raise UserError("Paint a hole first.")
    network = model.network
    if not hasattr(network, "attention"):
        raise UserError("This model has no attention: choose gated or contextual.")
    scale = min(SIDE / max(hole.shape), 1.0)
    size = [max(int(side * scale), 8) for side in hole.shape[::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(hole.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    flow = _flow(network, small, mask)
    flow = cv2.resize(flow.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    return np.where(mask[..., None], _colours(flow), small)


def _flow(network, image, mask):
    """Rows and columns from each place to its best match, [h, w, 2]."""
    seen = {}
    layer = network.attention
    plain = layer.call

    def watched(features, mask, **_):
        rebuilt, _, seen["flow"] = plain(features, mask, return_attention=True)
        return rebuilt

    layer.call = watched
    try:
        network(
            {
                "image": image[None].astype(np.float32) / 127.5 - 1.0,
                "mask": mask[None, ..., None].astype(np.float32),
            }
        )
    finally:
        layer.call = plain
    return np.asarray(seen["flow"])[0]


def _colours(flow):
    """[h, w, 2] to uint8 RGB: hue for direction, saturation for distance."""
    angle = np.arctan2(flow[..., 0], flow[..., 1]) / (2 * np.pi) % 1.0
    length = np.hypot(flow[..., 0], flow[..., 1])
    saturation = length / max(length.max(), 1e-6)
    hsv = np.dstack([angle * 179, saturation * 255, np.full_like(angle, 255)])
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
