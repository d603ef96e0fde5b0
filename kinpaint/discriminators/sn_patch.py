"""SN-PatchGAN, DeepFill v2's discriminator: six spectrally normalised strided convolutions.

Yu et al. 2019, section 3.2. With the image and the mask as input 5,946,816 parameters.
"""

import keras
from keras import ops

from kinpaint.discriminators.discriminator import Discriminator
from kinpaint.layers.spectral_norm import SpectralConv2D

_SHARES = (1, 2, 4, 4, 4, 4)  # channels, in units of the first convolution's


@keras.saving.register_keras_serializable("kinpaint.discriminators")
class SNPatch(Discriminator):
    """A score for every channel of a 1/64 grid of the picture and its mask.

    Each of the six 5 x 5 convolutions, the last included, is followed by a leaky ReLU of
    slope 0.2, as in the authors' code.

    Args:
        width: channels of the first convolution (64).
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.convs = [
            SpectralConv2D(width * share, dtype=self.dtype_policy, name=f"conv{i + 1}")
            for i, share in enumerate(_SHARES)
        ]
        # === Config ===
        self.width = width

    def score(self, image, mask, training):
        """Scores [B, H / 64, W / 64, 4 width], rounded up, and features."""
        x, features = ops.concatenate([image, mask], axis=-1), []
        for conv in self.convs[:-1]:
            x = ops.leaky_relu(conv(x, training=training), 0.2)
            features.append(x)
        x = self.convs[-1](x, training=training)
        # The same, written out: with its own operation here TensorFlow's fusing of operations
        # fails for the whole float32 training step, and says so on stderr.
        return ops.maximum(x, 0.2 * x), features

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}
