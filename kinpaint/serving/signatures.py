"""What a server or a program calls: uint8 pictures in, uint8 composites out.

Everything a client could get wrong is inside the graph: conversion to
[-1, 1], the threshold of the mask, the composite and the rounding. A run
directory is used through the same object, so an exported model and its run
answer alike.
"""

import tensorflow as tf

from kinpaint import images
from pipelines import headers

_PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")
_MASKS = tf.TensorSpec([None, None, None, 1], tf.uint8, name="mask")


class Signatures(tf.Module):
    """The exported functions of one generator.

    Args:
        network: a built generator, dict `{"image", "mask"}` in, dict out.
    """

    def __init__(self, network):
        super().__init__(name="signatures")
        # The variables themselves are tracked, in the network's order, and the Keras model is
        # not: through the model they would be saved under wrappers that only Python's loader
        # can restore, and a server would find them unset.
        self.weights = [variable.value for variable in network.variables]
        self._paint = lambda **inputs: network(inputs, training=False)["output"]
        self.latent_size = getattr(network, "latent_size", None)
        self.temperature = getattr(network, "temperature", 1.0)

    @tf.function(input_signature=[_PICTURES, _MASKS])
    def complete(self, image, mask):
        """Fills the holes: uint8 [N, H, W, 3] and [N, H, W, 1] (hole >= 128)."""
        return {"completed": self._fill(image, mask)}

    @tf.function(input_signature=[_PICTURES, _MASKS, tf.TensorSpec([2], tf.int32, name="seed")])
    def complete_drawn(self, image, mask, seed):
        """A filling drawn by `seed` (networks with a latent); `complete`: the likeliest."""
        size = [tf.shape(image)[0], self.latent_size]
        latent = tf.random.stateless_normal(size, seed, stddev=self.temperature)
        return {"completed": self._fill(image, mask, latent=latent)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="image_bytes"),
            tf.TensorSpec([None], tf.string, name="mask_bytes"),
        ]
    )
    def complete_bytes(self, image_bytes, mask_bytes):
        """The same on encoded pictures of any sizes, in stored orientation; PNG out."""
        tf.debugging.assert_equal(
            tf.size(image_bytes),
            tf.size(mask_bytes),
            "image_bytes and mask_bytes must hold equally many files",
        )
        completed = tf.map_fn(
            self._fill_file, (image_bytes, mask_bytes), fn_output_signature=tf.string
        )
        return {"completed_bytes": completed}

    @property
    def exported(self):
        """The signatures by the name they are exported under."""
        signatures = {"serving_default": self.complete, "complete_bytes": self.complete_bytes}
        if self.latent_size:
            signatures["complete_drawn"] = self.complete_drawn
        return signatures

    def _fill_file(self, files):
        bounded = (headers.bounded(file) for file in files)
        image, mask = (tf.io.decode_image(f, 3, expand_animations=False) for f in bounded)
        mask = tf.image.rgb_to_grayscale(mask)
        return tf.io.encode_png(self._fill(image[None], mask[None])[0])

    def _fill(self, image, mask, **hints):
        tf.debugging.assert_equal(
            tf.shape(image)[:3], tf.shape(mask)[:3], "image and mask must have one size"
        )
        hole = tf.cast(mask >= 128, tf.float32)
        picture = images.from_uint8(image)
        output = self._paint(image=picture, mask=hole, **hints)
        return images.composite_uint8(image, output, hole)
