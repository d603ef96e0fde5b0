"""The plain convolution block: zero padding, optional doubling, float32 activation."""

import keras
from keras import ops

from kinpaint.layers import dilated
from kinpaint.layers.lean import lean
from kinpaint.layers.resample import doubling_kernel


@keras.saving.register_keras_serializable("kinpaint.layers")
class PlainConv2D(keras.layers.Layer):
    """A convolution and its activation, which is computed in float32 (see `lean`).

    Args:
        filters: channels of the output.
        kernel_size: pixels; 3 where `double` is set.
        strides: pixels; at 2 the padding is TensorFlow's (0, 1) for even sizes.
        dilation_rate: pixels between the kernel's taps.
        activation: name or function; the DeepFill codes use ELU.
        double: whether the input is enlarged twofold (nearest neighbour) first.
        centred: whether a stride of 2 pads by (1, 1), as PyTorch does, so that it looks at
            every even pixel; TensorFlow's (0, 1) looks at the odd ones.
    """

    channels_per_filter = 1  # of the kernel's output
    # Kernels are drawn with standard deviation gain / sqrt(fan in), so that the second moment
    # of the signal stays: 1 / gain^2 is E[elu(x)^2] = 0.64 for standard normal x.
    gain = 1.25

    def __init__(
        self,
        filters,
        kernel_size=3,
        strides=1,
        dilation_rate=1,
        activation="elu",
        double=False,
        centred=False,
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
        self.centred = centred

    def build(self, input_shape):
        """Adds the kernel [k, k, C, channels] and the bias."""
        channels = self.filters * self.channels_per_filter
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], channels)
        initializer = keras.initializers.VarianceScaling(
            self.gain**2, "fan_in", "untruncated_normal"
        )
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=initializer, autocast=False
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def convolve(self, x):
        """The convolution with its bias, before any activation, in the compute dtype."""
        if self.double:
            kernel = ops.cast(doubling_kernel(self.kernel), self.compute_dtype)
            x = ops.conv_transpose(x, kernel, strides=2, padding="same")
        else:
            kernel = ops.cast(self.kernel, self.compute_dtype)
            if self.centred and self.strides > 1:
                margin = (self.kernel_size // 2,) * 2
                x = ops.conv(
                    ops.pad(x, ((0, 0), margin, margin, (0, 0))), kernel, self.strides, "valid"
                )
            else:
                x = dilated.conv(x, kernel, self.strides, self.dilation_rate)
        # Not `+`: TensorFlow fuses this one.
        return ops.add(x, ops.cast(self.bias, x.dtype))

    def call(self, x):
        """[B, H, W, C] to [B, H', W', filters]: sides doubled, kept, or over `strides`."""
        return lean(self.activation, self.convolve(x))

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
            "centred": self.centred,
        }
