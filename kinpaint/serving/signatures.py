"""What a server or a program calls: uint8 pictures in, uint8 composites out.

Everything a client could get wrong is inside the graph: conversion to
[-1, 1], the threshold of the mask, the composite and the rounding, and the way from
coarse to fine (`completion.fill`) where a picture is larger than those the network trained
on and a hole deeper than it learned to fill. What stays outside are windows, which bound
memory, and added detail. A run directory is used through the same object, so an exported
model and its run answer alike.
"""

import json

import tensorflow as tf

from kinpaint import images
from pipelines import headers

_PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")
_MASKS = tf.TensorSpec([None, None, None, 1], tf.uint8, name="mask")
_IMAGE_FILES = tf.TensorSpec([None], tf.string, name="image_bytes")
_MASK_FILES = tf.TensorSpec([None], tf.string, name="mask_bytes")
_LEVELS = 4  # halvings at most: with base's depth of 48 px, holes up to 1,536 px across
_SEEDS = tf.TensorSpec([None, 2], tf.int32, name="seed")


def of(network, card=None):
    """The `Signatures` of a network, or its `DrawnSignatures` if it has a latent."""
    kind = DrawnSignatures if getattr(network, "latent_size", None) else Signatures
    return kind(network, card)


class Signatures(tf.Module):
    """The exported functions of one generator.

    Args:
        network: a built generator, dict `{"image", "mask"}` in, dict out.
        card: the model card, a dict that JSON can hold.
    """

    def __init__(self, network, card=None):
        super().__init__(name="signatures")
        # The variables themselves are tracked, in the network's order, and the Keras model is
        # not: through the model they would be saved under wrappers that only Python's loader
        # can restore, and a server would find them unset.
        self.weights = [variable.value for variable in network.variables]
        # A function of its own: the graph holds the network once, not once for every level.
        self._paint = tf.function(
            lambda inputs: network(inputs, training=False)["output"], reduce_retracing=True
        )
        card = card or {}
        self._reach = card.get("image_size")  # None: the network runs once
        self._depth = card.get("depth") or max((self._reach or 0) // 8, 1)
        self._card = json.dumps({**card, "draws": isinstance(self, DrawnSignatures)})

    @tf.function(input_signature=[_PICTURES, _MASKS])
    def complete(self, image, mask):
        """Fills the holes: uint8 [N, H, W, 3] and [N, H, W, 1] (hole >= 128)."""
        return {"completed": self._fill(image, mask)}

    @tf.function(input_signature=[_IMAGE_FILES, _MASK_FILES])
    def complete_bytes(self, image_bytes, mask_bytes):
        """`complete` on encoded pictures of any sizes, in stored orientation; PNG out."""
        _as_many(image_bytes, mask_bytes)
        completed = tf.map_fn(
            lambda files: self._fill_file(*files),
            (image_bytes, mask_bytes),
            fn_output_signature=tf.string,
        )
        return {"completed_bytes": completed}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="what")])
    def card(self, what):
        """The model card as JSON, and whether it `draws`; a server wants some input."""
        return {"card_bytes": tf.fill(tf.shape(what), self._card)}

    @property
    def exported(self):
        """The signatures by the name they are exported under."""
        return {
            "serving_default": self.complete,
            "complete_bytes": self.complete_bytes,
            "card": self.card,
        }

    def _fill_file(self, image, mask, **hints):
        bounded = (headers.bounded(file) for file in (image, mask))
        image, mask = (tf.io.decode_image(f, 3, expand_animations=False) for f in bounded)
        mask = tf.image.rgb_to_grayscale(mask)
        return tf.io.encode_png(self._fill(image[None], mask[None], **hints)[0])

    def _fill(self, image, mask, **hints):
        tf.debugging.assert_equal(
            tf.shape(image)[:3], tf.shape(mask)[:3], "image and mask must have one size"
        )
        hole = tf.cast(mask >= 128, tf.float32)
        levels = _LEVELS if self._reach else 0
        filled = self._completed(images.from_uint8(image), hole, levels, hints)
        return images.composite_uint8(image, filled, hole)

    def _completed(self, image, hole, levels, hints):
        """`image` [N, H, W, 3] in [-1, 1] with its hole painted, halved so often at most."""
        if levels:
            deep = hole * (1.0 - _near_known(hole, self._depth))
            large = tf.reduce_max(tf.shape(image)[1:3]) > self._reach

            def from_coarse():
                coarse = self._completed(*_halved(image, hole), levels - 1, hints)
                enlarged = tf.image.resize(coarse, tf.shape(image)[1:3], "bicubic")
                return images.composite(image, enlarged, deep), hole * (1.0 - deep)

            image, hole = tf.cond(
                large & (tf.reduce_max(deep) > 0.5), from_coarse, lambda: (image, hole)
            )
        output = self._paint({"image": image, "mask": hole, **hints})
        return images.composite(image, output, hole)


class DrawnSignatures(Signatures):
    """Those of a network with a latent: `complete` gives the likeliest filling."""

    def __init__(self, network, card=None):
        super().__init__(network, card)
        self._latent_size = network.latent_size
        self._temperature = getattr(network, "temperature", 1.0)

    @tf.function(input_signature=[_PICTURES, _MASKS, _SEEDS])
    def complete_drawn(self, image, mask, seed):
        """A filling drawn by each picture's seed."""
        return {"completed": self._fill(image, mask, latent=self._latent(seed))}

    @tf.function(input_signature=[_IMAGE_FILES, _MASK_FILES, _SEEDS])
    def complete_drawn_bytes(self, image_bytes, mask_bytes, seed):
        """`complete_drawn` on encoded pictures."""
        _as_many(image_bytes, mask_bytes)
        completed = tf.map_fn(
            lambda row: self._fill_file(*row[:2], latent=self._latent(row[2][None])),
            (image_bytes, mask_bytes, seed),
            fn_output_signature=tf.string,
        )
        return {"completed_bytes": completed}

    @property
    def exported(self):
        """The signatures by the name they are exported under."""
        names = ["complete_drawn", "complete_drawn_bytes"]
        return super().exported | {name: getattr(self, name) for name in names}

    def _latent(self, seed):
        def draw(one):
            return tf.random.stateless_normal(
                [self._latent_size], one, stddev=self._temperature
            )

        return tf.map_fn(draw, seed, fn_output_signature=tf.float32)


def _as_many(image_bytes, mask_bytes):
    tf.debugging.assert_equal(
        tf.size(image_bytes),
        tf.size(mask_bytes),
        "image_bytes and mask_bytes must hold equally many files",
    )


def _near_known(hole, depth):
    """1 where a known pixel lies within about `depth` pixels, [N, H, W, 1]; beyond the frame
    nothing is known.
    """
    side = 2 * max(round(0.9 * depth), 1) + 1  # a square of the area of the disc, nearly
    known = tf.nn.max_pool2d(1.0 - hole, (side, 1), 1, "SAME")
    return tf.nn.max_pool2d(known, (1, side), 1, "SAME")


def _halved(image, hole):
    """Picture and hole at half size: means over known pixels; known where half of it is."""
    known = 1.0 - hole
    share = tf.nn.avg_pool2d(known, 2, 2, "SAME")
    mean = tf.nn.avg_pool2d(image * known, 2, 2, "SAME") / tf.maximum(share, 1e-6)
    return mean, tf.cast(share < 0.5, tf.float32)
