"""Spectrally normalised convolution (Miyato et al. 2018), as in DeepFill v2's discriminator.

Own code because `keras.layers.SpectralNormalization` overwrites the stored kernel with its
normalised value, treats the norm as a constant, and rounds the kernel to 16 bit under mixed
precision.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint.layers")
class SpectralConv2D(keras.layers.Layer):
    """A convolution whose kernel is divided by its largest singular value, in float32.

    Each training call makes one power iteration and keeps its vector `u`; other calls make
    it too and forget it. The iteration's vectors are constants of the gradient and the norm
    `v W u^T` is not, so the gradient is orthogonal to the kernel (Miyato et al., eq. 12);
    the stored kernel is never touched. The authors of DeepFill v2 differentiate through the
    iteration as well and keep `u` on every run; with the same `u` the values are equal.

    Args:
        filters: channels of the output.
        kernel_size: pixels.
        strides: pixels.
    """

    def __init__(self, filters, kernel_size=5, strides=2, **kwargs):
        super().__init__(**kwargs)
        # === Config ===
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        """Adds the kernel [k, k, C, filters], the bias and the iteration's vector."""
        shape = (self.kernel_size, self.kernel_size, input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, autocast=False)
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")
        self.u = self.add_weight(
            name="u",
            shape=(1, self.filters),
            initializer="truncated_normal",
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def normalised_kernel(self, training=False):
        """The float32 kernel over its norm; keeps the iteration's `u` if `training`."""
        matrix = ops.reshape(self.kernel, (-1, self.filters))
        constant = ops.stop_gradient(matrix)
        v = _unit(ops.matmul(self.u, ops.transpose(constant)))
        u = _unit(ops.matmul(v, constant))
        if training:
            self.u.assign(u)
        norm = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        return self.kernel * (1.0 / norm[0, 0])  # the product has the cheaper gradient

    def call(self, x, training=False):
        """[B, H, W, C] to [B, H / strides, W / strides, filters], rounded up."""
        kernel = ops.cast(self.normalised_kernel(training), self.compute_dtype)
        # A stride changes nothing on a 1 x 1 map, where TensorFlow's bfloat16 gradient of a
        # strided kernel is unset memory on CPUs (measured on 2.21: NaN within three steps).
        strides = 1 if tuple(x.shape[1:3]) == (1, 1) else self.strides
        x = ops.conv(x, kernel, strides=strides, padding="same")
        return ops.add(x, self.bias)  # not `+`: TensorFlow fuses this one

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }


def _unit(x):
    return x / (ops.norm(x) + 1e-12)
