"""pix2pix's conditional discriminator of 70 x 70 pixel patches.

Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
sections 3.2.2 and 6.1.2 (C64-C128-C256-C512).
"""

import keras
from keras import ops

from kinpaint.discriminators.discriminator import Discriminator


@keras.saving.register_keras_serializable("kinpaint.discriminators")
class Patch(Discriminator):
    """One score for every patch, given the masked picture and the mask as the condition.

    The paper's batch normalisation is used at batch size 1, where it is instance
    normalisation; that is what stands here, so scores depend on no other sample.

    Args:
        width: channels of the first convolution (64).
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        plan = ((1, 2), (2, 2), (4, 2), (8, 1), (None, 1))
        self.convs = [
            keras.layers.Conv2D(
                width * share if share else 1,
                4,
                strides=strides,
                use_bias=not 0 < i < 4,  # the normalisation has one
                dtype=self.dtype_policy,
                name=f"conv{i + 1}",
            )
            for i, (share, strides) in enumerate(plan)
        ]
        self.norms = [
            keras.layers.GroupNormalization(
                groups=-1, epsilon=1e-5, dtype=self.dtype_policy, name=f"norm{i + 2}"
            )
            for i in range(3)
        ]
        # === Config ===
        self.width = width

    def score(self, image, mask, training):
        """Scores [B, about H / 8 - 2, about W / 8 - 2, 1]; at least 24 px a side. Features."""
        known = ops.where(mask > 0.5, 0.0, image)
        x, features = ops.concatenate([image, known, mask], axis=-1), []
        for i, conv in enumerate(self.convs):
            x = conv(ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))
            if 0 < i < 4:
                x = self.norms[i - 1](x)
            if i < 4:
                x = ops.leaky_relu(x, 0.2)
                features.append(x)
        return x, features

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}
