"""What a server or a program calls: uint8 pictures in, uint8 composites out.

Everything a client could get wrong is inside the graph: conversion to
[-1, 1], the threshold of the mask, the composite and the rounding. A run
directory is used through the same object, so an exported model and its run
answer alike.
"""

import json

import tensorflow as tf

from kinpaint import images
from pipelines import headers

_PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")
_MASKS = tf.TensorSpec([None, None, None, 1], tf.uint8, name="mask")
_IMAGE_FILES = tf.TensorSpec([None], tf.string, name="image_bytes")
_MASK_FILES = tf.TensorSpec([None], tf.string, name="mask_bytes")
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
        self._paint = lambda **inputs: network(inputs, training=False)["output"]
        self._card = json.dumps({**(card or {}), "draws": isinstance(self, DrawnSignatures)})

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
        picture = images.from_uint8(image)
        output = self._paint(image=picture, mask=hole, **hints)
        return images.composite_uint8(image, output, hole)


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
