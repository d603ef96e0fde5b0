"""Activations whose gradient keeps 16 bits a value where the layer computes in 16 bits.

Activations are computed in float32 under mixed precision: more exact, and faster on CPUs,
which have no 16 bit exponential. What TensorFlow then keeps for the gradient is float32 too,
and it was two fifths of the memory of DeepFill v2's training step.
"""

import keras
from keras import ops


def lean(function, *inputs):
    """`function(*inputs)` computed in float32, given in the dtype of the inputs.

    Of 16 bit inputs TensorFlow keeps nothing but the local derivatives, rounded once; the
    gradient is their product with what comes back. Other backends keep what they like.

    Args:
        function: elementwise; its result has the shape of each input.
        *inputs: tensors of one shape and dtype.
    """
    dtype = inputs[0].dtype
    if keras.backend.backend() != "tensorflow" or dtype == "float32":
        return ops.cast(function(*(ops.cast(x, "float32") for x in inputs)), dtype)
    import tensorflow as tf

    @tf.custom_gradient
    def kept(*inputs):
        wide = [tf.cast(x, tf.float32) for x in inputs]
        with tf.GradientTape() as tape:
            tape.watch(wide)
            y = function(*wide)
        # None where TensorFlow records nothing, as in the first pass of a recomputed layer:
        # there nobody asks for the gradient.
        slopes = [s if s is None else tf.cast(s, dtype) for s in tape.gradient(y, wide)]
        return tf.cast(y, dtype), lambda back: [back * slope for slope in slopes]

    return kept(*inputs)
