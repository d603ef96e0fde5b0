"""The completion network of Iizuka et al. 2017, "Globally and Locally Consistent Image
Completion", table 1: one stage, dilated convolutions, batch normalisation.
"""

import keras
from keras import ops

from kinpaint.layers.dilated import DilatedConv2D
from kinpaint.models.network import Network

# (channels in units of the first layer's, kernel, strides, dilation); -2: transposed, x2.
PLAN = (
    (1, 5, 1, 1),
    (2, 3, 2, 1),
    (2, 3, 1, 1),
    (4, 3, 2, 1),
    (4, 3, 1, 1),
    (4, 3, 1, 1),
    (4, 3, 1, 2),
    (4, 3, 1, 4),
    (4, 3, 1, 8),
    (4, 3, 1, 16),
    (4, 3, 1, 1),
    (4, 3, 1, 1),
    (2, 4, -2, 1),
    (2, 3, 1, 1),
    (1, 4, -2, 1),
    (0.5, 3, 1, 1),
)


@keras.saving.register_keras_serializable("kinpaint.models")
class GlobalLocal(Network):
    """Convolution, batch normalisation, ReLU throughout; a sigmoid makes the picture.

    The paper puts the training set's mean colour into the hole; here it is mid-grey, which
    the mask channel tells from content.

    Args:
        width: channels of the first layer (64, as published).
    """

    multiple = 4

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.convs = [_conv(width, self.dtype_policy, i, *row) for i, row in enumerate(PLAN)]
        self.norms = [
            keras.layers.BatchNormalization(
                scale=False, dtype=self.dtype_policy, name=f"norm{i}"
            )
            for i in range(len(PLAN))
        ]
        self.rgb = self.rgb_conv("rgb")
        # === Config ===
        self.width = width

    @staticmethod
    def bound(raw):
        """The paper's sigmoid, from [0, 1] to [-1, 1]."""
        return 2.0 * ops.sigmoid(raw) - 1.0

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        x = ops.concatenate([picture, mask], axis=-1)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = ops.relu(norm(conv(x), training=training))
        return {"output": self.picture_from(self.rgb(x), picture)}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width}


def _conv(width, policy, index, share, kernel_size, strides, dilation):
    options = {
        "filters": max(1, int(share * width)),
        "kernel_size": kernel_size,
        "padding": "same",
        "use_bias": False,  # the normalisation has one
        "kernel_initializer": "he_uniform",
        "dtype": policy,
        "name": f"conv{index}",
    }
    if strides < 0:
        return keras.layers.Conv2DTranspose(strides=-strides, **options)
    return DilatedConv2D(strides=strides, dilation_rate=dilation, **options)
