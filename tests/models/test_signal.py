"""A deep gated network must pass a signal from its first day: forward and backward."""

import numpy as np
import pytest
import tensorflow as tf

from kinpaint import models
from tests.training import tiny


@pytest.mark.parametrize("name", ["gated"])
def test_new_weights_neither_kill_nor_blow_up_the_gradient(name):
    network = models.build(name, width=16)
    data = {k: tf.constant(v) for k, v in tiny.batch(side=64).items()}
    with tf.GradientTape() as tape:
        outputs = network(data)
        loss = tf.reduce_mean(tf.abs(outputs["output"] - data["image"]))
        loss += tf.reduce_mean(tf.abs(outputs["coarse"] - data["image"]))
    kernels = [v for v in network.trainable_variables if v.name == "kernel"]
    gradients = tape.gradient(loss, [v.value for v in kernels])
    sizes = np.array([float(tf.sqrt(tf.reduce_mean(g**2))) for g in gradients])
    assert sizes.min() > 1e-6 and sizes.max() < 1e-1, dict(
        zip([v.path for v in kernels], sizes, strict=True)
    )


def test_residual_blocks_keep_the_signal():
    network, seen = models.build("residual", width=16), []
    for layer in (network.blocks[0][0], network.to_half):  # given the first and the last sum
        layer.call = lambda x, call=layer.call: seen.append(tf.math.reduce_std(x)) or call(x)
    network({k: tf.constant(v) for k, v in tiny.batch(side=64).items()})
    assert 0.8 < float(seen[1] / seen[0]) < 1.25
