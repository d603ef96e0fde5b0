"""Dilated convolution, in TensorFlow without its detour over many small pictures.

`tf.nn.convolution`, and so `ops.conv`, cuts a picture into rate^2 pictures of every rate-th
pixel, pads each, and convolves those: at rate 16 more than half of what it convolves is
padding. `tf.nn.conv2d` takes the rate as it is, but not every build of TensorFlow has its
gradient in every number format.
"""

import functools

import keras
from keras import ops


def conv(x, kernel, strides=1, dilation_rate=1):
    """`ops.conv` with padding "same".

    Args:
        x: [B, H, W, C].
        kernel: [k, k, C, F] of the same dtype.
        strides: pixels.
        dilation_rate: pixels between the kernel's taps; strides must then be 1.

    Returns:
        [B, H / strides, W / strides, F], rounded up.
    """
    if dilation_rate > 1 and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if strides == 1 and _has_gradient(x.dtype):
            return tf.nn.conv2d(x, kernel, 1, "SAME", dilations=dilation_rate)
    return ops.conv(x, kernel, strides, "same", dilation_rate=dilation_rate)


class DilatedConv2D(keras.layers.Conv2D):
    """Keras' layer with padding "same", which convolves by `conv`."""

    def convolution_op(self, inputs, kernel):
        """[B, H, W, C] to [B, H, W, filters], without bias and activation."""
        return conv(inputs, kernel, self.strides[0], self.dilation_rate[0])


@functools.cache
def _has_gradient(dtype):
    """Whether it is there: oneDNN and GPUs have it, TensorFlow's own CPU kernels do not."""
    import tensorflow as tf

    settings = {"strides": [1] * 4, "dilations": [1, 2, 2, 1], "padding": "SAME"}
    with tf.init_scope():  # which records no tape, so the gradient's operation itself is tried
        x, kernel = tf.ones((1, 4, 4, 1), dtype), tf.ones((3, 3, 1, 1), dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=x.shape, filter=kernel, out_backprop=x, **settings
            )
        except tf.errors.OpError:
            return False
    return True
