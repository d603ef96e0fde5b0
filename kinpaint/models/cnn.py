"""A plain convolutional encoder-decoder: the baseline without gates or attention."""

import keras
from keras import ops

from kinpaint.models.network import Network


@keras.saving.register_keras_serializable("kinpaint")
class CNN(Network):
    """Halves the picture `depth` times and enlarges it again, with skips between.

    Args:
        width: channels at full resolution; doubled at each halving.
        depth: number of halvings.
    """

    def __init__(self, width=24, depth=4, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        self.enter = self._conv(width, "enter", kernel_size=5)
        self.down, self.up = [], []
        for level in range(depth):
            wider = width * 2 ** (level + 1)
            self.down.append(self._conv(wider, f"down{level}", strides=2))
            self.up.append(self._conv(wider // 2, f"up{level}"))
        self.bottom = self._conv(width * 2**depth, "bottom")
        self.rgb = self.rgb_conv(name="rgb")
        # === Config ===
        self.width = width
        self.depth = depth
        self.multiple = 2**depth

    def _conv(self, filters, name, kernel_size=3, strides=1):
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer="he_uniform",
            dtype=self.dtype_policy,
            name=name,
        )

    def paint(self, picture, mask, training=False):
        """Paints [B, H, W, 3] given mask [B, H, W, 1]."""
        x = self.enter(ops.concatenate([picture, mask], axis=-1))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.bottom(x)
        for up, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
            x = up(ops.concatenate([x, skip], axis=-1))
        return {"output": self.picture_from(self.rgb(x), picture)}

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "width": self.width, "depth": self.depth}
