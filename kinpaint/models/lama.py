"""LaMa: residual blocks of fast Fourier convolutions at an eighth of the size.

Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting with Fourier Convolutions";
layer for layer the authors' code. The defaults are big-lama, the network whose weights the
authors publish, with 50,975,875 trainable parameters; LaMa-Fourier has 9 blocks (27,048,835).
"""

import keras
from keras import ops

from kinpaint.layers.batch_norm import BatchNorm
from kinpaint.layers.fourier import FFC, reflect
from kinpaint.layers.part import part
from kinpaint.models.network import Network


@keras.saving.register_keras_serializable("kinpaint.models")
class Lama(Network):
    """Halvings, residual blocks that see the whole picture, as many doublings.

    The authors' network takes a picture in [0, 1] whose hole is black, and the mask. Under
    `fill="pull_push"` the classical fill stands in the hole instead.

    Args:
        width: channels at full resolution (64); doubled at each halving.
        blocks: residual blocks (18).
        share: part of the blocks' channels that is global (0.75); 0 is a network of plain
            convolutions, the paper's LaMa-Regular.
        halvings: of the size before the blocks (3).
        frozen_norms: whether batch normalisation keeps its statistics, scales and shifts
            in training too, for fine-tuning with few pictures a step.
    """

    bound = staticmethod(lambda x: 2.0 * ops.sigmoid(x) - 1.0)

    def __init__(
        self, width=64, blocks=18, share=0.75, halvings=3, frozen_norms=False, **kwargs
    ):
        super().__init__(**kwargs)
        self.multiple = 2**halvings
        widest = width * self.multiple
        # === Layers ===
        options = {"dtype": self.dtype_policy}
        both = {"share_in": share, "share_out": share, **options}
        self.enter = FFC(width, 7, name="enter", **options)
        self.halves = [
            FFC(
                width * 2 ** (i + 1),
                strides=2,
                share_out=share if i == halvings - 1 else 0.0,
                name=f"half{i + 1}",
                **options,
            )
            for i in range(halvings)
        ]
        self.blocks = [
            [FFC(widest, name=f"block{i + 1}_{k}", **both) for k in (1, 2)]
            for i in range(blocks)
        ]
        self.doubles = [
            Doubling(width * 2**i, name=f"double{i + 1}", **options)
            for i in reversed(range(halvings))
        ]
        self.rgb = keras.layers.Conv2D(
            3, 7, kernel_initializer=self.last_initializer, name="rgb", **options
        )
        if frozen_norms:
            for layer in self._flatten_layers():
                if isinstance(layer, BatchNorm):
                    layer.trainable = False
        # === Config ===
        self.width = width
        self.share = share
        self.halvings = halvings
        self.frozen_norms = frozen_norms

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        x = 0.5 * (picture + 1.0)
        if self.fill == "zero":
            x = x * (1.0 - mask)
        x = ops.concatenate([x, mask], axis=-1)
        for layer in (self.enter, *self.halves):
            x = layer(x, training=training)
        for first, second in self.blocks:
            x = x + second(first(x, training=training), training=training)
        for layer in self.doubles:
            x = layer(x, training=training)
        return {"output": self.picture_from(self.rgb(reflect(x, 3)), picture)}

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": len(self.blocks),
            "share": self.share,
            "halvings": self.halvings,
            "frozen_norms": self.frozen_norms,
        }


@keras.saving.register_keras_serializable("kinpaint.models")
class Doubling(keras.layers.Layer):
    """Transposed 3 x 3 convolution of stride 2, batch normalisation and ReLU.

    PyTorch's padding 1 and output padding 1: of the 2 H + 1 rows of a "valid" transposed
    convolution the first is dropped. Keras' "same" drops the last: one pixel off.

    Args:
        filters: channels of the output.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.conv = keras.layers.Conv2DTranspose(
            filters, 3, strides=2, padding="valid", dtype=self.dtype_policy, name="conv"
        )
        self.norm = BatchNorm(dtype=self.dtype_policy, name="norm")
        # === Config ===
        self.filters = filters

    def build(self, input_shape):
        """Builds both layers, which depend on no size."""
        self.conv.build(input_shape)
        self.norm.build((*input_shape[:3], self.filters))

    def call(self, x, training=False):
        """[B, H, W, C] to [B, 2 H, 2 W, filters]."""
        height, width = ops.shape(x)[1:3]
        x = part(self.conv(x), {1: (1, 2 * height), 2: (1, 2 * width)})
        return ops.relu(self.norm(x, training=training))

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "filters": self.filters}
