"""DeepFill v2: a coarse gated network and a refining one with contextual attention.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", section 3; layer for
layer the authors' code. With `width=48` it has 4,052,478 parameters.
"""

import keras
from keras import ops

from kinpaint import images
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.layers.resample import shrink_aligned
from kinpaint.models.network import Network

# name: (output channels in units of width / 2, settings); the authors' names.
_DILATED = {f"{7 + i}_atrous": (4, {"dilation_rate": 2 ** (i + 1)}) for i in range(4)}
_DECODER = {
    "11": (4, {}),
    "12": (4, {}),
    "13_upsample": (2, {"double": True}),
    "14": (2, {}),
    "15_upsample": (1, {"double": True}),
    "16": (0.5, {}),
}
_DOWN = {"strides": 2}
PLANS = {
    "conv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (2, _DOWN),
        "3": (2, {}),
        "4_downsample": (4, _DOWN),
        "5": (4, {}),
        "6": (4, {}),
        **_DILATED,
        **_DECODER,
    },
    "xconv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (1, _DOWN),
        "3": (2, {}),
        "4_downsample": (2, _DOWN),
        "5": (4, {}),
        "6": (4, {}),
        **_DILATED,
    },
    "pmconv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (1, _DOWN),
        "3": (2, {}),
        "4_downsample": (4, _DOWN),
        "5": (4, {}),
        "6": (4, {"activation": "relu"}),
        "9": (4, {}),
        "10": (4, {}),
    },
    "allconv": _DECODER,
}


@keras.saving.register_keras_serializable("kinpaint")
class Gated(Network):
    """Coarse picture, then a refinement that may copy from known places.

    Args:
        width: twice the channels at full resolution (48, as published).
    """

    def __init__(self, width=48, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.coarse = self._branch("conv", width)
        self.coarse_rgb = self.rgb_conv(name="conv17")
        self.refine = self._branch("xconv", width)
        self.match = self._branch("pmconv", width)
        self.attention = ContextualAttention(dtype=self.dtype_policy, name="attention")
        self.decode = self._branch("allconv", width)
        self.refined_rgb = self.rgb_conv(name="allconv17")
        # === Config ===
        self.width = width

    def _branch(self, prefix, width):
        return [
            GatedConv2D(
                max(1, int(share * width / 2)),
                dtype=self.dtype_policy,
                name=prefix + name,
                **settings,
            )
            for name, (share, settings) in PLANS[prefix].items()
        ]

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1], twice."""
        x = ops.concatenate([picture, ops.ones_like(mask), mask], axis=-1)
        raw = self.coarse_rgb(_chain(self.coarse, x))
        coarse = self.picture_from(raw, picture)
        joined = images.composite(picture, coarse, mask)
        refined = _chain(self.refine, joined)
        matched = _chain(self.match[:-2], joined)
        matched = self.attention(matched, shrink_aligned(mask, 4))
        matched = _chain(self.match[-2:], matched)
        raw = self.refined_rgb(_chain(self.decode, ops.concatenate([refined, matched], -1)))
        return {"output": self.picture_from(raw, joined), "coarse": coarse}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}


def _chain(layers, x):
    for layer in layers:
        x = layer(x)
    return x
