"""The partial-convolution U-Net of Liu et al. 2018, "Image Inpainting for Irregular Holes
Using Partial Convolutions", section 3.2 and the supplement's table.
"""

import keras
from keras import ops

from kinpaint.layers.partial_conv import PartialConv2D
from kinpaint.layers.resample import nearest
from kinpaint.models.network import Network, clipped

_SHARES = (1, 2, 4, 8, 8, 8, 8, 8)  # channels of the encoder, in units of the first
_KERNELS = (7, 5, 5, 3, 3, 3, 3, 3)


@keras.saving.register_keras_serializable("kinpaint.models")
class Partial(Network):
    """Eight halvings and eight doublings; the hole shrinks on the way down.

    Batch normalisation everywhere but in the first and the last layer; ReLU down, leaky
    ReLU (0.2) up. The joined features carry each their own hole. The last layer is bounded
    by clipping, on which paper and code are silent.

    Args:
        width: channels of the first layer (64, as published).
        depth: number of halvings (8, as published; any size is taken, down to 1 pixel).
        freeze_encoder_norm: the second phase of the paper's training: the encoder's batch
            normalisation keeps its statistics and weights.
    """

    multiple = 1
    bound = staticmethod(clipped)

    def __init__(self, width=64, depth=8, freeze_encoder_norm=False, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        filters = [width * share for share in _SHARES[:depth]]
        options = {"padding_is_hole": True, "dtype": self.dtype_policy}  # as NVIDIA's code
        self.down = [
            PartialConv2D(n, _KERNELS[i], strides=2, name=f"down{i}", **options)
            for i, n in enumerate(filters)
        ]
        self.down_norms = [self._norm(f"down{i}_norm") for i in range(1, depth)]
        self.up = [
            PartialConv2D(n, name=f"up{i}", **options) for i, n in enumerate(filters[:-1])
        ]
        self.up_norms = [self._norm(f"up{i}_norm") for i in range(depth - 1)]
        self.rgb = PartialConv2D(
            3, kernel_initializer=self.last_initializer, name="rgb", **options
        )
        for norm in self.down_norms:
            norm.trainable = not freeze_encoder_norm
        # === Config ===
        self.width = width
        self.depth = depth
        self.freeze_encoder_norm = freeze_encoder_norm

    def _norm(self, name):
        return keras.layers.BatchNormalization(dtype=self.dtype_policy, name=name)

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        x, known = picture, 1.0 - mask
        skips = []
        for i, down in enumerate(self.down):
            skips.append((x, known))
            x, known = down(x, known)
            if i > 0:
                x = self.down_norms[i - 1](x, training=training)
            x = ops.relu(x)
        for i in reversed(range(self.depth - 1)):
            x, known = self.up[i](*_joined(x, known, *skips[i + 1]))
            x = ops.leaky_relu(self.up_norms[i](x, training=training), 0.2)
        raw, _ = self.rgb(*_joined(x, known, *skips[0]))
        return {"output": self.picture_from(raw, picture)}

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "width": self.width,
            "depth": self.depth,
            "freeze_encoder_norm": self.freeze_encoder_norm,
        }


def _joined(x, known, skip, skip_known):
    """Doubled features beside the encoder's, and what is known of each channel."""
    height, width = ops.shape(skip)[1:3]
    x, known = (nearest(part, 2)[:, :height, :width] for part in (x, known))
    features = ops.concatenate([x, ops.cast(skip, x.dtype)], axis=-1)
    channels = [
        ops.repeat(known, x.shape[-1], axis=-1),
        ops.repeat(skip_known, skip.shape[-1], axis=-1),
    ]
    return features, ops.concatenate(channels, axis=-1)
