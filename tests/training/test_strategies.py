"""Replicas: the same step as one device, scaled and clipped alike."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import time

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


FLAGS = (
    "--model=cnn(width=4, depth=2)",
    "--discriminator=sn_patch(width=4)",
    "--losses=l1_hole",
    "--image_size=32",
    "--masks=strokes",
    "--batch_size=4",
    "--checkpoint_every=5",
    "--validate_every=0",
    "--pictures_every=0",
    "--log_every=1",
    "--seed=3",
)


def start_workers(data_dir, run_dir, count, *flags):
    """Starts `count` workers of one cluster on this machine."""
    ports = free_ports(count)
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    processes = []
    for index in range(count):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-m", "kinpaint.train", f"--data_dir={data_dir}"]
        command += [f"--run_dir={run_dir}", "--strategy=multi_worker", *FLAGS, *flags]
        environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
        processes.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
            )
        )
    return processes


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def losses(run_dir):
    rows = [json.loads(line) for line in (run_dir / "history.jsonl").open()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


@pytest.mark.slow
def test_two_workers_train_like_one_process_and_restart_after_a_death(sample_dir, tmp_path):
    """Losses of 20 steps to 1e-5; a killed worker stops the other; a restart goes on."""
    one = start_workers(sample_dir, tmp_path / "one", 1, "--steps=20")[0]
    assert one.wait(timeout=300) == 0, one.stdout.read()

    run_dir = tmp_path / "two"
    first, second = start_workers(sample_dir, run_dir, 2, "--steps=20")
    while not list((run_dir / "checkpoints").glob("step-*")) and first.poll() is None:
        time.sleep(0.05)
    second.kill()
    out, _ = first.communicate(timeout=120)
    if first.returncode:  # it may have finished before the kill
        assert "error: a worker was lost" in out, out[-3000:]

    workers = start_workers(sample_dir, run_dir, 2, "--steps=20")
    for worker in workers:
        out, _ = worker.communicate(timeout=300)
        assert worker.returncode == 0, out[-3000:]
    alone, together = losses(tmp_path / "one"), losses(run_dir)
    assert alone.keys() == together.keys() == set(range(1, 21))
    for step, loss in alone.items():
        assert together[step] == pytest.approx(loss, abs=1e-5), step
