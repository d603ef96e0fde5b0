"""Models whose inner workings are known in closed form."""

import keras
import numpy as np
from keras import ops

from kinpaint.evaluation import contestants
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.partial_conv import PartialConv2D


class WindowMean:
    """Fills every hole with the mean of the known pixels of one window."""

    def __init__(self, window):
        self.window = window

    def complete(self, images, holes):
        filled = images.copy()
        for picture, hole in zip(filled, holes[..., 0], strict=True):
            known = ~hole[self.window]
            picture[hole] = np.rint(picture[self.window][known].mean(axis=0))
        return filled


class Shifted(keras.Model):
    """Paints at each place the known pixel `columns` to its left."""

    multiple = 1

    def __init__(self, columns, gain=1.0):
        super().__init__()
        self.columns, self.gain = columns, gain

    def call(self, inputs, training=False):
        known = inputs["image"] * (1.0 - inputs["mask"])
        return {"output": self.gain * ops.roll(known, self.columns, axis=2)}


class Attending(keras.Model):
    """Contextual attention on the picture itself, as if the filling were perfect."""

    multiple = 2

    def __init__(self, truth, fuse=True):
        super().__init__()
        self.truth = truth[None].astype("float32") / 127.5 - 1.0
        self.attention = ContextualAttention(fuse=fuse, published=False, name="attention")

    def call(self, inputs, training=False):
        return {"output": self.attention(ops.convert_to_tensor(self.truth), inputs["mask"])}


class Closing(keras.Model):
    """Partial convolutions of 3 x 3, one after another."""

    multiple = 1

    def __init__(self, layers):
        super().__init__()
        self.chain = [PartialConv2D(3, 3, name=f"partial{i}") for i in range(layers)]

    def call(self, inputs, training=False):
        x, known = inputs["image"], 1.0 - inputs["mask"]
        for layer in self.chain:
            x, known = layer(x, known)
        return {"output": x}


def contestant(network, complete_batch=None):
    """A contestant around a network that paints."""

    def complete(images, masks, seed=0, samples=1):
        output = network({"image": images / 127.5 - 1.0, "mask": masks * 1.0})["output"]
        painted = np.clip(np.rint((np.asarray(output) + 1.0) * 127.5), 0, 255)
        return np.where(masks, painted.astype("uint8"), images)

    return contestants.Contestant(
        "fake", "fake", "1", complete_batch or complete, False, lambda: network
    )
