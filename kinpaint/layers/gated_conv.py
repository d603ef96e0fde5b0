"""Gated convolution: a convolution that learns, per pixel and channel, how much to pass.

Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", eq. 4.
"""

import keras
from keras import ops

from kinpaint.layers.conv import PlainConv2D
from kinpaint.layers.lean import lean


@keras.saving.register_keras_serializable("kinpaint.layers")
class GatedConv2D(PlainConv2D):
    """`activation(features) * sigmoid(gates)`, both halves of one convolution.

    As in the authors' code the first half of the kernel's output channels makes the
    features and the second the gates; zero padding, no normalisation. Takes the arguments
    of `PlainConv2D`; the kernel has `2 * filters` output channels.
    """

    channels_per_filter = 2
    # E[(elu(x) sigmoid(g))^2] = 0.2 for standard normal x and g. Glorot's kernels, as
    # published, shrink the signal threefold a layer: the gradient of DeepFill's first layer
    # is then 1e-16, and a short training never wakes it.
    gain = 2.2

    def call(self, x):
        """[B, H, W, C] to [B, H', W', filters]: sides doubled, kept, or over `strides`."""
        return self.gated(*ops.split(self.convolve(x), 2, axis=-1))

    def gated(self, features, gates):
        """Both halves before their activations, [B, H', W', filters] each, to their product."""
        return lean(lambda x, gate: self.activation(x) * ops.sigmoid(gate), features, gates)
