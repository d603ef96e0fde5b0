"""A plain convolutional encoder-decoder: the baseline without gates or attention."""

import keras
from keras import ops

from kinpaint.layers.conv import PlainConv2D
from kinpaint.layers.resample import nearest
from kinpaint.models.network import Network


@keras.saving.register_keras_serializable("kinpaint.models")
class CNN(Network):
    """Halves the picture `depth` times and enlarges it again, with skips between.

    Args:
        width: channels at full resolution; doubled at each halving.
        depth: number of halvings.
    """

    def __init__(self, width=24, depth=4, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        options = {"activation": "relu", "dtype": self.dtype_policy}
        self.enter = PlainConv2D(width, 5, name="enter", **options)
        self.down = [
            PlainConv2D(width * 2 ** (i + 1), strides=2, name=f"down{i}", **options)
            for i in range(depth)
        ]
        self.bottom = PlainConv2D(width * 2**depth, name="bottom", **options)
        self.up = [PlainConv2D(width * 2**i, name=f"up{i}", **options) for i in range(depth)]
        self.rgb = self.rgb_conv("rgb")
        # === Config ===
        self.width = width
        self.depth = depth
        self.multiple = 2**depth

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        x = self.enter(ops.concatenate([picture, mask], axis=-1))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.bottom(x)
        for up, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = up(ops.concatenate([nearest(x, 2), skip], axis=-1))
        return {"output": self.picture_from(self.rgb(x), picture)}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width, "depth": self.depth}
