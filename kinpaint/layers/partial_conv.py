"""Partial convolution: a convolution that reads known pixels only.

Liu et al. 2018, "Image Inpainting for Irregular Holes Using Partial Convolutions", eq. 1, 2.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kinpaint.layers")
class PartialConv2D(keras.layers.Layer):
    """`W (x * known) * sum(1) / sum(known) + b` where anything is known, 0 elsewhere.

    `sum(1)` counts the window's places inside the picture, so that with everything known
    this is the plain convolution up to the border. NVIDIA's code counts the padding too
    (`padding_is_hole=True`). The factor is computed and applied in float32.

    Args:
        filters: channels of the output.
        kernel_size: pixels.
        strides: pixels.
        padding_is_hole: whether the zero padding counts as unknown.
        kernel_initializer: of the kernel.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        strides=1,
        padding_is_hole=False,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        # === Config ===
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding_is_hole = padding_is_hole
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        """Adds the kernel [k, k, C, filters] and the bias."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x, known):
        """Convolves what is known and says what is known after.

        Args:
            x: [B, H, W, C].
            known: [B, H, W, 1] or [B, H, W, C] in [0, 1], 1 = known, 0 = hole (the
                opposite of a mask). Where only some of the channels are known, as after a
                join of features with different holes, give each channel its own.

        Returns:
            [B, H', W', filters], and the new `known`, float32 [B, H', W', 1].
        """
        x = x * ops.cast(known, x.dtype)
        raw = ops.cast(self._conv(x, self.kernel), "float32")
        known = ops.mean(ops.cast(known, "float32"), axis=-1, keepdims=True)
        window = ops.ones((self.kernel_size, self.kernel_size, 1, 1), "float32")
        count = self._conv(known, window)
        if self.padding_is_hole:
            total = float(self.kernel_size**2)
        else:
            total = self._conv(ops.ones_like(known), window)
        any_known = ops.cast(count > 1e-4, "float32")
        factor = any_known * total / ops.maximum(count, 1e-4)
        x = raw * factor + ops.cast(self.bias, "float32") * any_known
        return ops.cast(x, self.compute_dtype), any_known

    def _conv(self, x, kernel):
        return ops.conv(x, kernel, strides=self.strides, padding="same")

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding_is_hole": self.padding_is_hole,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
