"""Spectrally normalised convolution (Miyato et al. 2018), as DeepFill v2's critic has it.

Own code because `keras.layers.SpectralNormalization` overwrites the stored kernel with its
normalised value, treats the norm as a constant, and rounds the kernel to 16 bit under mixed
precision.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint")
class SpectralConv2D(keras.layers.Conv2D):
    """A Conv2D whose kernel is divided by its largest singular value, in float32.

    One power iteration a training call updates the vector `u`. The iteration's vectors are
    constants of the gradient and the norm `v W u^T` is not, so the gradient is orthogonal
    to the kernel (Miyato et al., eq. 12); the stored kernel is never touched. The authors of
    DeepFill v2 differentiate through the iteration too and update `u` on every run; with
    the same `u` the values are equal.
    """

    def build(self, input_shape):
        """Adds the power iteration's vector to the convolution's weights."""
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(1, self.filters),
            initializer="truncated_normal",
            trainable=False,
            dtype="float32",
            autocast=False,
            aggregation="mean",
        )

    def normalised_kernel(self, training=False):
        """The kernel over its norm, float32; updates `u` in training."""
        kernel = ops.cast(self._kernel.value, "float32")
        matrix = ops.reshape(kernel, (-1, self.filters))
        constant = ops.stop_gradient(matrix)
        v = _unit(ops.matmul(self.u.value, ops.transpose(constant)))
        u = _unit(ops.matmul(v, constant))
        if training:
            self.u.assign(u)
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        return kernel / ops.reshape(sigma, (1, 1, 1, 1))

    def call(self, inputs, training=False):
        """[B, H, W, C] to [B, H', W', filters]."""
        kernel = ops.cast(self.normalised_kernel(training), self.compute_dtype)
        x = self.convolution_op(inputs, kernel)
        return self.activation(x + self.bias)


def _unit(x):
    return x / (ops.norm(x) + 1e-12)
