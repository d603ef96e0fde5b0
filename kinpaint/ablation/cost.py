"""What one picture costs a network, counted by TensorFlow's profiler from its graph."""

import contextlib
import io

import tensorflow as tf
from tensorflow.compat.v1 import profiler


def multiply_adds(network, side):
    """Multiply-adds of one picture of `side` px: half the profiler's operations.

    Counted are convolutions and products of matrices of the graph, as in the papers.
    """
    spec = {
        "image": tf.TensorSpec((1, side, side, 3)),
        "mask": tf.TensorSpec((1, side, side, 1)),
    }
    function = tf.function(lambda inputs: network(inputs)["output"])
    graph = function.get_concrete_function(spec).graph
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    with contextlib.redirect_stdout(io.StringIO()), _without_deprecations():
        found = profiler.profile(graph, options=options)
    return found.total_float_ops // 2


@contextlib.contextmanager
def _without_deprecations():
    """The profiler has no successor that counts; its notice would stand in every study."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
