"""Gated convolution: a convolution that learns, per pixel and channel, how much to pass.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", eq. 4.
"""

import keras
from keras import ops

from kinpaint.layers.resample import doubling_kernel

# E[(elu(x) sigmoid(g))^2] = 0.19 for standard normal x and g: kernels of this gain keep the
# signal's scale. Glorot's, as published, shrink it threefold a layer: after DeepFill's 17
# layers the gradient of the first is 1e-16, and a short training never wakes it.
GATED_GAIN = 2.2


def keep_scale():
    """A new initializer of gated kernels that keeps the second moment from layer to layer."""
    return keras.initializers.VarianceScaling(GATED_GAIN**2, "fan_in", "untruncated_normal")


@keras.saving.register_keras_serializable("kinpaint")
class GatedConv2D(keras.layers.Layer):
    """`activation(features) * sigmoid(gates)`, both halves of one convolution.

    As in the authors' code the first half of the kernel's output channels makes the
    features and the second the gates; zero padding, no normalisation. Both functions are
    computed in float32 under mixed precision: more exact, and faster on CPUs, which have no
    16 bit exponential.

    Args:
        filters: channels of the output (the kernel has twice as many).
        kernel_size: pixels; 3 where `double` is set.
        strides: pixels; at 2 the padding is TensorFlow's (0, 1) for even sizes.
        dilation_rate: pixels between the kernel's taps.
        activation: of the features; the authors' code uses ELU.
        double: whether the input is enlarged twofold (nearest neighbour) first.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        strides=1,
        dilation_rate=1,
        activation="elu",
        double=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if double and (kernel_size, strides, dilation_rate) != (3, 1, 1):
            raise ValueError("double needs kernel_size 3, strides 1 and dilation_rate 1")
        # === Config ===
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.activation = keras.activations.get(activation)
        self.double = double

    def build(self, input_shape):
        """Adds the kernel [k, k, C, 2 filters] and the bias."""
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], 2 * self.filters)
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=keep_scale(), autocast=False
        )
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")

    def features_and_gates(self, x):
        """The float32 features and gates in (0, 1): two [B, H', W', filters]."""
        x = self._convolve(x) + self.bias
        features, gates = ops.split(ops.cast(x, "float32"), 2, axis=-1)
        return self.activation(features), ops.sigmoid(gates)

    def _convolve(self, x):
        if self.double:
            kernel = ops.cast(doubling_kernel(self.kernel), self.compute_dtype)
            return ops.conv_transpose(x, kernel, strides=2, padding="same")
        return ops.conv(
            x,
            ops.cast(self.kernel, self.compute_dtype),
            strides=self.strides,
            padding="same",
            dilation_rate=self.dilation_rate,
        )

    def call(self, x):
        """[B, H, W, C] to [B, H', W', filters]: doubled, kept, or over `strides`."""
        features, gates = self.features_and_gates(x)
        return ops.cast(features * gates, self.compute_dtype)

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "activation": keras.activations.serialize(self.activation),
            "double": self.double,
        }
