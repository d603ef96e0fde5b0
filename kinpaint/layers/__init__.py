"""Keras layers of inpainting networks, of `keras.ops`, so any backend runs them.

`dilated` and `lean` alone have forms of their own for TensorFlow.
"""

from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.conv import PlainConv2D
from kinpaint.layers.dilated import DilatedConv2D
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.layers.partial_conv import PartialConv2D
from kinpaint.layers.pull_push import pull_push
from kinpaint.layers.spectral_norm import SpectralConv2D

__all__ = [
    "ContextualAttention",
    "DilatedConv2D",
    "GatedConv2D",
    "PartialConv2D",
    "PlainConv2D",
    "SpectralConv2D",
    "pull_push",
]
