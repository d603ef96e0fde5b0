"""Seconds and memory of a training step: DeepFill v2 and its discriminator, 256 px, batch 2.

    python -m tests.benchmarks.training                              # about a minute and a half
    python -m tests.benchmarks.training --precision=float32 --jit_compile

Each precision runs in a process of its own, which also measures a float32 matrix product of
2048 before and after: machines differ and drift, so a time counts as seconds times that
rate. Memory is the process's peak above its level after the imports. The peer is
nipponjo/deepfillv2-pytorch with PyTorch 2.13 (autocast for bfloat16), measured once on two
cores where the product ran at 198 GFLOP/s; it is not run here, its seconds are scaled.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.benchmarks.models import PEER_RATE
from tests.benchmarks.pace import matmul_rate

SIDE, BATCH, STEPS = 256, 2, 5
# Seconds a picture of the peer, the share of them to stay below, and GB to stay below.
PEER = {"float32": (1.56, 0.95, 1.6), "mixed_bfloat16": (0.83, 0.8, 0.9)}


def build(precision):
    """The published recipe's generator, discriminator, losses and optimizers."""
    from kinpaint.options import LossOptions, ModelOptions, OptimizerOptions, TrainOptions
    from kinpaint.training import building
    from kinpaint.training.settings import Settings
    from pipelines.options import FeedOptions

    losses = LossOptions(losses="1*l1 + 1*l1(of=coarse)", adversarial_weight=1.0)
    return building.build(
        Settings(
            TrainOptions(precision=precision),
            FeedOptions(),
            ModelOptions("gated(width=48)", "sn_patch"),
            losses,
            OptimizerOptions(),
        )
    )


def peak_gb():
    """The most memory this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(precision, jit_compile):
    """One precision's figures, from this process."""
    import tensorflow as tf

    from kinpaint.training import session  # noqa: F401
    from tests.training import tiny

    imported = peak_gb()
    batch = {name: tf.constant(x) for name, x in tiny.batch(BATCH, SIDE).items()}
    step = tf.function(build(precision).update, jit_compile=jit_compile)
    seconds = []
    for _ in range(STEPS + 2):
        started = time.perf_counter()
        step(batch)["loss"].numpy()
        seconds.append(time.perf_counter() - started)
    figures = {"gb": peak_gb() - imported, "seconds": [s / BATCH for s in seconds[2:]]}
    return figures | {"rates": [matmul_rate(), matmul_rate()]}


def child(precision, jit_compile):
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.training", f"--child={precision}"]
    command += ["--jit_compile"] if jit_compile else []
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


def report(precision, figures):
    """One line of the table."""
    peer, limit, most_gb = PEER[precision]
    seconds, rate = min(figures["seconds"]), max(figures["rates"])
    scaled = peer * PEER_RATE / rate
    print(
        f"{precision.removeprefix('mixed_'):>9} {seconds:7.3f} "
        f"{statistics.median(figures['seconds']):7.3f} {rate:8.0f} {scaled:9.3f} "
        f"{seconds / scaled:6.2f} {limit:6.2f} {figures['gb']:6.2f} {most_gb:6.2f}",
        flush=True,
    )


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=PEER, action="append")
    parser.add_argument("--jit_compile", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.child, asked.jit_compile)))
        return
    print("seconds a picture; peer's seconds are scaled by the rate, not measured here")
    print(
        f"{'':>9} {'least':>7} {'median':>7} {'GFLOP/s':>8} {'peer':>9} {'ratio':>6} "
        f"{'limit':>6} {'GB':>6} {'limit':>6}"
    )
    for precision in asked.precision or PEER:
        report(precision, child(precision, asked.jit_compile))


if __name__ == "__main__":
    main()
