"""SN-PatchGAN, DeepFill v2's critic: six spectrally normalised strided convolutions.

Yu et al. 2019, section 3.2. With the image and the mask as input 5,946,816 parameters.
"""

import keras
from keras import ops

from kinpaint.layers.spectral_norm import SpectralConv2D


@keras.saving.register_keras_serializable("kinpaint")
class SNPatch(keras.Model):
    """A score for every channel of a 1/64 grid of the picture and its mask.

    Each of the six 5 x 5 convolutions, the last included, is followed by a leaky ReLU of
    slope 0.2, as in the authors' code.

    Args:
        width: channels of the first convolution (64); then 2, 4, 4, 4 and 4 times as many.
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.convs = [
            SpectralConv2D(
                width * share,
                5,
                strides=2,
                dtype=self.dtype_policy,
                name=f"conv{i + 1}",
            )
            for i, share in enumerate((1, 2, 4, 4, 4, 4))
        ]
        # === Config ===
        self.width = width

    def build(self, input_shape=None):
        """Builds the weights, which depend on no size, by a symbolic call."""
        picture, mask = keras.KerasTensor((1, 64, 64, 3)), keras.KerasTensor((1, 64, 64, 1))
        self.compute_output_spec({"image": picture, "mask": mask})

    def call(self, inputs, training=False):
        """Scores {"image": [B, H, W, 3], "mask": [B, H, W, 1]}: [B, H/64, W/64, 4 width]."""
        x = ops.concatenate([inputs["image"], inputs["mask"]], axis=-1)
        for conv in self.convs:
            x = ops.leaky_relu(conv(x, training=training), 0.2)
        return {"scores": ops.cast(x, "float32")}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}
