"""Gated convolution: a convolution that learns, per pixel and channel, how much to pass.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", eq. 4.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint")
class GatedConv2D(keras.layers.Layer):
    """`activation(features) * sigmoid(gate)`, both halves of one convolution.

    As in the authors' code the first half of the kernel's output channels holds the
    features and the second the gates; no normalisation.

    Args:
        filters: channels of the output (the kernel has twice as many).
        kernel_size: pixels.
        strides: pixels; at 2 the "same" padding is TensorFlow's (0, 1) for even sizes.
        dilation_rate: pixels between the kernel's taps.
        activation: of the features; the authors' code uses ELU.
        upsample: factor of a nearest-neighbour enlargement before the convolution.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        strides=1,
        dilation_rate=1,
        activation="elu",
        upsample=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        # === Layers ===
        self.conv = keras.layers.Conv2D(
            2 * filters,
            kernel_size,
            strides=strides,
            dilation_rate=dilation_rate,
            padding="same",
            dtype=self.dtype_policy,
            name="conv",
        )
        # === Config ===
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.activation = keras.activations.get(activation)
        self.upsample = upsample

    def build(self, input_shape):
        """Builds the convolution; [B, H, W, C]."""
        self.conv.build(input_shape)

    def gate(self, x):
        """Features before their activation, and gates in (0, 1): two [B, H', W', filters]."""
        if self.upsample > 1:
            x = ops.repeat(ops.repeat(x, self.upsample, axis=1), self.upsample, axis=2)
        features, gates = ops.split(self.conv(x), 2, axis=-1)
        return features, ops.sigmoid(gates)

    def call(self, x):
        """[B, H, W, C] to [B, H * upsample / strides, W * upsample / strides, filters]."""
        features, gates = self.gate(x)
        return self.activation(features) * gates

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
            "upsample": self.upsample,
        }
