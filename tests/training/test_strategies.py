"""Replicas: the same step as one device, scaled and clipped alike."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.distributed


def run(code, *arguments, **environment):
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
def test_two_replicas_step_like_one_device():
    """SGD, with and without clipping, and float16's loss scaling, on two logical CPUs."""
    run(
        """
        import keras, numpy as np, tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        from kinpaint.training import strategy
        from tests.training import tiny

        data = tiny.batch(count=4)

        def after_step(devices, clip, dtype):
            with devices.scope():
                keras.utils.set_random_seed(1)
                model = tiny.inpainter(dtype)
                sgd = lambda: keras.optimizers.SGD(0.5)
                if dtype == "mixed_float16":
                    scaled = keras.optimizers.LossScaleOptimizer
                    make = lambda: scaled(sgd(), initial_scale=256.0)
                else:
                    make = sgd
                model.compile(make(), make(), model.weighted_losses, clip_norm=clip)
            batches = iter(devices.experimental_distribute_dataset(
                tf.data.Dataset.from_tensors(data).repeat()))
            execute = tf.function(lambda batch: devices.run(model.update, args=(batch,)))
            execute(next(batches))
            return [w.numpy() for w in model.trainable_variables]

        for clip, dtype, tolerance in ((0.0, "float32", 1e-6), (0.05, "float32", 1e-6),
                                       (0.05, "mixed_float16", 2e-3)):
            one = after_step(strategy.build("one"), clip, dtype)
            two = after_step(strategy.build("mirrored"), clip, dtype)
            for a, b in zip(one, two, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
        """
    )
