"""A residual network with dilated convolutions at a quarter of the size."""

import keras
from keras import ops

from kinpaint.layers.conv import PlainConv2D
from kinpaint.models.network import Network, chain

# Lim et al. 2017 (EDSR), section 3.3. Without it eight blocks of unit gain raise the signal
# sixteenfold, and training is unstable: it collapsed at step 2,800 of a run.
RESIDUAL_SCALE = 0.1


@keras.saving.register_keras_serializable("kinpaint.models")
class Residual(Network):
    """Two halvings, residual blocks of growing dilation, two doublings; skips across.

    Args:
        width: channels at full resolution; four times as many in the blocks.
        dilations: one residual block each, pixels at a quarter of the size.
    """

    multiple = 4

    def __init__(self, width=32, dilations=(1, 2, 4, 8, 1, 2, 4, 8), **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        options = {"activation": "elu", "dtype": self.dtype_policy}
        self.enter = PlainConv2D(width, 5, name="enter", **options)
        self.half = PlainConv2D(2 * width, strides=2, name="half", **options)
        self.quarter = PlainConv2D(4 * width, strides=2, name="quarter", **options)
        self.blocks = [
            [
                PlainConv2D(4 * width, dilation_rate=d, name=f"block{i}_dilated", **options),
                PlainConv2D(
                    4 * width,
                    activation="linear",
                    dtype=self.dtype_policy,
                    name=f"block{i}_plain",
                ),
            ]
            for i, d in enumerate(dilations)
        ]
        self.to_half = PlainConv2D(2 * width, double=True, name="to_half", **options)
        self.to_full = PlainConv2D(width, double=True, name="to_full", **options)
        self.leave = PlainConv2D(width, name="leave", **options)
        self.rgb = self.rgb_conv("rgb")
        # === Config ===
        self.width = width
        self.dilations = tuple(dilations)

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        full = self.enter(ops.concatenate([picture, mask], axis=-1))
        half = self.half(full)
        x = self.quarter(half)
        for block in self.blocks:
            x = x + RESIDUAL_SCALE * chain(block, x)
        x = self.to_half(x) + half
        x = self.to_full(x) + full
        return {"output": self.picture_from(self.rgb(self.leave(x)), picture)}

    def get_config(self):
        """Constructor arguments."""
        config = {"width": self.width, "dilations": self.dilations}
        return {**super().get_config(), **config}
