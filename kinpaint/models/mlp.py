"""The floor: an MLP that sees a window around each patch and paints the patch."""

import keras
from keras import ops

from kinpaint.models.network import Network


@keras.saving.register_keras_serializable("kinpaint.models")
class MLP(Network):
    """Dense layers over a window of 3 x 3 patches, shared by all patches.

    The first layer is written as a convolution whose stride is the patch, which is the same
    dense layer applied to every window.

    Args:
        width: units of the hidden layers.
        depth: number of hidden layers.
        patch: pixels, side of the painted patch.
    """

    def __init__(self, width=256, depth=3, patch=8, **kwargs):
        super().__init__(**kwargs)
        # === Layers ===
        options = {"activation": "relu", "dtype": self.dtype_policy}
        self.window = keras.layers.Conv2D(
            width, 3 * patch, strides=patch, padding="same", name="window", **options
        )
        self.hidden = [
            keras.layers.Dense(width, name=f"hidden{i}", **options) for i in range(1, depth)
        ]
        self.pixels = keras.layers.Dense(
            3 * patch * patch,
            kernel_initializer=self.last_initializer,
            dtype=self.dtype_policy,
            name="pixels",
        )
        # === Config ===
        self.width = width
        self.depth = depth
        self.patch = patch
        self.multiple = patch

    def paint(self, picture, mask, training=False):
        """Paints each patch from its window; [B, H, W, 3] and [B, H, W, 1] in."""
        x = self.window(ops.concatenate([picture, mask], axis=-1))
        for layer in self.hidden:
            x = layer(x)
        return {"output": self.picture_from(self._unfold(self.pixels(x)), picture)}

    def _unfold(self, x):
        """[B, h, w, patch * patch * 3] to [B, h * patch, w * patch, 3]."""
        _, rows, columns, _ = ops.shape(x)
        x = ops.reshape(x, (-1, rows, columns, self.patch, self.patch, 3))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, rows * self.patch, columns * self.patch, 3))

    def get_config(self):
        """Constructor arguments."""
        config = {"width": self.width, "depth": self.depth, "patch": self.patch}
        return {**super().get_config(), **config}
