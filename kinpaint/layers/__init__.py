"""Keras layers of inpainting networks, of `keras.ops`, so any backend runs them.

`dilated`, `lean` and the transforms of `fourier` alone have forms of their own for TensorFlow.
"""

from kinpaint.layers.batch_norm import BatchNorm
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.conv import PlainConv2D
from kinpaint.layers.dilated import DilatedConv2D
from kinpaint.layers.fourier import FFC, FourierUnit, SpectralTransform
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.layers.partial_conv import PartialConv2D
from kinpaint.layers.pull_push import pull_push
from kinpaint.layers.spectral_norm import SpectralConv2D

__all__ = [
    "FFC",
    "BatchNorm",
    "ContextualAttention",
    "DilatedConv2D",
    "FourierUnit",
    "GatedConv2D",
    "PartialConv2D",
    "PlainConv2D",
    "SpectralConv2D",
    "SpectralTransform",
    "pull_push",
]
