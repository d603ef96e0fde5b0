"""Where a network with contextual attention copied from, as colours on the photo.

White stays in place; hue tells the direction in which the best match of a place lies,
strength how far.
"""

import numpy as np

from kinpaint.interpretation import flow, probe, scale
from pipelines.base.errors import UserError

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
    small, mask = scale.reduced(image, hole, SIDE)
    flows = probe.hear(network, small, mask).flows
    if not flows:
        raise UserError("This model has no attention: choose gated or contextual.")
    colours = flow.colours(next(iter(flows.values())))
    return np.where(mask[..., None], scale.enlarged(network, colours, mask.shape), small)
