"""The two-stage plan that DeepFill v1 and v2 share: a coarse and a refining network.

Yu et al. 2018 (v1) and 2019 (v2), as in their code: halved twice, dilated convolutions at a
quarter of the size, enlarged twice; the refining network has a second branch with
contextual attention. The names of the layers are the authors'.
"""

from keras import ops

from kinpaint import images
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.resample import SHRINK
from kinpaint.models.network import Network, chain

# Branch: {name: (output channels in units of those at full resolution, settings)}.
_HALVE, _DOUBLE = {"strides": 2}, {"double": True}
_DILATED = {f"{7 + i}_atrous": (4, {"dilation_rate": 2 ** (i + 1)}) for i in range(4)}
_DECODER = {
    "11": (4, {}),
    "12": (4, {}),
    "13_upsample": (2, _DOUBLE),
    "14": (2, {}),
    "15_upsample": (1, _DOUBLE),
    "16": (0.5, {}),
}
PLANS = {
    "conv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (2, _HALVE),
        "3": (2, {}),
        "4_downsample": (4, _HALVE),
        "5": (4, {}),
        "6": (4, {}),
        **_DILATED,
        **_DECODER,
    },
    "xconv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (1, _HALVE),
        "3": (2, {}),
        "4_downsample": (2, _HALVE),
        "5": (4, {}),
        "6": (4, {}),
        **_DILATED,
    },
    "pmconv": {
        "1": (1, {"kernel_size": 5}),
        "2_downsample": (1, _HALVE),
        "3": (2, {}),
        "4_downsample": (4, _HALVE),
        "5": (4, {}),
        "6": (4, {"activation": "relu"}),
        "9": (4, {}),
        "10": (4, {}),
    },
    "allconv": _DECODER,
}
_AFTER_ATTENTION = 2  # layers of "pmconv" that follow the attention


class TwoStage(Network):
    """Coarse picture, then a refinement that may copy from known places.

    A subclass sets `block`, the convolution layer, and whether the refining network is
    given the ones plane (it tells padding from zeros) and the mask. Under
    `fill="pull_push"` it always is: a correction must know where there is something to correct.

    Args:
        channels: channels at full resolution.
        published: the attention's rule, see `ContextualAttention`.
        attention: whether the refining network has its second branch, with the attention;
            without it is the ablation of Yu et al. 2018, section 5.2.
        sampling: which pixels halvings look at. "aligned" as published: strided convolutions
            pad as TensorFlow does, features and mask keep their corners. "strided": every
            second pixel from the first, as in the PyTorch port's own training.
    """

    block = None
    refine_sees_mask = False

    def __init__(self, channels, published=True, attention=True, sampling="aligned", **kwargs):
        super().__init__(**kwargs)
        if sampling not in SHRINK:
            raise ValueError(f"sampling must be one of {tuple(SHRINK)}, received {sampling!r}")
        self.sampling = sampling
        # === Layers ===
        self.coarse = self._branch("conv", channels)
        self.coarse_rgb = self.rgb_conv("conv17")
        self.refine = self._branch("xconv", channels)
        self.match = self._branch("pmconv", channels) if attention else []
        self.attention = attention and ContextualAttention(
            published=published, sampling=sampling, dtype=self.dtype_policy, name="attention"
        )
        self.decode = self._branch("allconv", channels)
        self.refined_rgb = self.rgb_conv("allconv17")
        # === Config ===
        self.published = published

    def _branch(self, prefix, channels):
        return [
            self.block(
                max(1, int(share * channels)),
                dtype=self.dtype_policy,
                name=prefix + name,
                centred=self.sampling == "strided",
                **settings,
            )
            for name, (share, settings) in PLANS[prefix].items()
        ]

    def paint(self, picture, mask, training=False, late=None, **hints):
        """Paints [B, H, W, 3] given mask [B, H, W, 1], twice.

        The coarse network is told the `hints` first thing, and both networks `late` before
        their last layers: planes [B, H, W, _].
        """
        planes = [ops.ones_like(mask), mask]
        x = ops.concatenate([picture, *hints.values(), *planes], axis=-1)
        x = _chain_told(self.coarse, x, late)
        coarse = self.picture_from(self.coarse_rgb(x), picture)
        joined = images.composite(picture, coarse, mask)
        sees_mask = self.refine_sees_mask or self.fill == "pull_push"
        x = ops.concatenate([joined, *planes], -1) if sees_mask else joined
        branches = [chain(self.refine, x)]
        if self.attention:
            matched = self.attention(self.matched_features(x), SHRINK[self.sampling](mask, 4))
            branches.append(chain(self.match[-_AFTER_ATTENTION:], matched))
        x = _chain_told(self.decode, ops.concatenate(branches, axis=-1), late)
        output = self.picture_from(self.refined_rgb(x), joined)
        return {"output": output, "coarse": coarse}

    def matched_features(self, x):
        """What the attention compares and pastes: [B, H / 4, W / 4, 4 channels]."""
        return chain(self.match[:-_AFTER_ATTENTION], x)

    def get_config(self):
        """Constructor arguments."""
        config = {
            "published": self.published,
            "attention": bool(self.attention),
            "sampling": self.sampling,
        }
        return {**super().get_config(), **config}


def _chain_told(layers, x, planes):
    x = chain(layers[:-1], x)
    if planes is not None:
        x = ops.concatenate([x, ops.cast(planes, x.dtype)], axis=-1)
    return layers[-1](x)
