"""A training step on a GPU beside the CPU's; needs KINPAINT_TEST_GPUS to name one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.metrics.lpips import exact_float32
from tests.training import tiny

# Largest length of (this step - the float32 step on the CPU) over the length of that step;
# the CPU itself is off by 0.016 in bfloat16 and 0.003 in float16.
TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 0.06, "mixed_float16": 0.02}


@pytest.fixture
def gpu():
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("TensorFlow sees no GPU; name one in KINPAINT_TEST_GPUS")
    return "/GPU:0"


def step(device, precision, start=None):
    """Scalars, and how far an SGD step moves both networks: (logs, start, moves)."""
    with tf.device(device), exact_float32():
        model = tiny.inpainter(precision)
        scaled = precision == "mixed_float16"
        wrap = keras.optimizers.LossScaleOptimizer if scaled else lambda inner: inner
        optimizers = [wrap(keras.optimizers.SGD(1.0)) for _ in range(2)]
        model.compile(*optimizers, model.weighted_losses)
        networks = (model.network, model.discriminator)
        start = start or [network.get_weights() for network in networks]
        for network, weights in zip(networks, start, strict=True):
            network.set_weights(weights)
        logs = tf.function(model.update)(tiny.batch())
        moves = [
            np.concatenate([(new - old).ravel() for new, old in zip(*pair, strict=True)])
            for pair in zip([n.get_weights() for n in networks], start, strict=True)
        ]
    return {name: float(value) for name, value in logs.items()}, start, moves


@pytest.mark.gpu
@pytest.mark.parametrize("precision", TOLERANCE)
def test_a_step_is_the_cpus_float32_step(gpu, precision):
    expected, start, wanted = step("/CPU:0", "float32")
    logs, _, moves = step(gpu, precision, start)
    for name, value in expected.items():
        assert logs[name] == pytest.approx(value, rel=TOLERANCE[precision], abs=1e-4), name
    for move, want in zip(moves, wanted, strict=True):
        assert np.linalg.norm(move - want) < TOLERANCE[precision] * np.linalg.norm(want)
