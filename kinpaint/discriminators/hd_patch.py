"""LaMa's discriminator: pix2pixHD's patches of 142 x 142 pixels.

Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional
GANs", with the settings of LaMa's code (Suvorov et al. 2022): one scale, four halvings, batch
normalisation, no condition. 6,962,369 parameters at the authors' width.
"""

import keras
from keras import ops

from kinpaint.discriminators.discriminator import Discriminator
from kinpaint.layers.batch_norm import BatchNorm


@keras.saving.register_keras_serializable("kinpaint.discriminators")
class HDPatch(Discriminator):
    """One score for every patch of the picture; it is not told where the hole is.

    Args:
        width: channels of the first convolution (64).
        depth: strided convolutions (4); each sees twice as far.
    """

    one_pass = False

    def __init__(self, width=64, depth=4, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        widest = width * min(2**depth, 8)
        plan = [(width * min(2**i, 8), 2) for i in range(depth)] + [(widest, 1), (1, 1)]
        self.convs = [
            keras.layers.Conv2D(
                filters, 4, strides=strides, dtype=self.dtype_policy, name=f"conv{i + 1}"
            )
            for i, (filters, strides) in enumerate(plan)
        ]
        self.norms = [
            BatchNorm(dtype=self.dtype_policy, name=f"norm{i + 1}")
            for i in range(1, len(plan) - 1)
        ]
        # === Config ===
        self.width = width
        self.depth = depth

    def score(self, image, mask, training):
        """Scores [B, about H / 16 + 3, about W / 16 + 3, 1], and five maps of features."""
        x, features = image, []
        for i, conv in enumerate(self.convs):
            x = conv(ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))))
            if 0 < i <= len(self.norms):
                x = self.norms[i - 1](x, training=training)
            if i < len(self.convs) - 1:
                x = ops.leaky_relu(x, 0.2)
                features.append(x)
        return x, features

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width, "depth": self.depth}
