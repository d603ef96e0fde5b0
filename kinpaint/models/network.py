"""What every generator shares: how it meets the hole, the padding, and its output.

A generator takes `{"image": [B, H, W, 3] in [-1, 1], "mask": [B, H, W, 1]}` and gives a dict
of float32 pictures [B, H, W, 3]: `"output"`, the raw picture before compositing, and, where it
has one, `"coarse"`. What lies under the hole is replaced first thing, so it cannot leak.
"""

import keras
from keras import ops

from kinpaint import images
from kinpaint.layers.pull_push import pull_push

FILLS = ("zero", "pull_push")


class Network(keras.Model):
    """Base of the generators: hides the hole, pads, paints, unpads.

    A subclass sets `multiple` and implements `paint(picture, mask)`, which gives a dict of
    float32 pictures of the padded size; it makes each by `picture_from`. Entries of another
    kind (a latent) may stand beside them, with fewer axes.

    Args:
        fill: what stands in the hole before painting. "zero": mid-grey, as published, and
            the network paints the whole picture. "pull_push": a classical smooth fill of the
            known pixels, and the network adds a correction to it, starting from none.
    """

    multiple = 8  # sides in pixels are padded to a multiple of this
    bound = staticmethod(ops.tanh)  # brings a picture painted from nothing into [-1, 1]
    latent_size = 0  # length of the latent [B, Z] that `inputs["latent"]` may give

    def __init__(self, fill="zero", **kwargs):
        # Pictures stay float32 under mixed precision; layers cast for themselves.
        super().__init__(autocast=False, **kwargs)
        if fill not in FILLS:
            raise ValueError(f"fill must be one of {FILLS}, received {fill!r}")
        self.fill = fill

    def build(self, input_shape=None):
        """Builds the weights, which depend on no size, by a symbolic call."""
        picture, mask = keras.KerasTensor((1, 64, 64, 3)), keras.KerasTensor((1, 64, 64, 1))
        self.compute_output_spec({"image": picture, "mask": mask}, training=True)

    def call(self, inputs, training=False):
        """Paints the batch: dict in, dict of pictures out."""
        mask = ops.cast(inputs["mask"] > 0.5, "float32")
        image = ops.cast(inputs["image"], "float32")
        height, width = ops.shape(image)[1:3]
        image, mask = images.pad_to_multiple(image, mask, self.multiple)
        known = ops.where(mask > 0.5, 0.0, image)
        picture = pull_push(known, mask) if self.fill == "pull_push" else known
        hints = self.hints(inputs, image, mask, training)
        painted = self.paint(picture, mask, training=training, **hints)
        return {
            name: images.unpad(x, height, width) if len(x.shape) == 4 else x
            for name, x in painted.items()
        }

    def hints(self, inputs, image, mask, training):
        """What else `paint` is told, by name; `image` and `mask` are padded."""
        return {}

    @property
    def last_initializer(self):
        """Of the kernel that ends a stage: a correction starts from zero."""
        return "zeros" if self.fill == "pull_push" else "glorot_uniform"

    def rgb_conv(self, name):
        """The plain convolution that ends a stage."""
        return keras.layers.Conv2D(
            3,
            3,
            padding="same",
            kernel_initializer=self.last_initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def picture_from(self, raw, picture):
        """The float32 picture in [-1, 1] that a stage makes of its last convolution.

        Args:
            raw: [B, H, W, 3], the last convolution's output.
            picture: [B, H, W, 3], what the stage was given; corrected under "pull_push".
        """
        raw = ops.cast(raw, "float32")
        if self.fill == "pull_push":
            return clipped(picture + raw)
        return self.bound(raw)

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "fill": self.fill}


def clipped(x):
    """Limits to [-1, 1]."""
    return ops.clip(x, -1.0, 1.0)


def chain(layers, x):
    """Passes x through the layers in turn."""
    for layer in layers:
        x = layer(x)
    return x
