"""The machine's pace: the rate of a float32 matrix product, measured where it is asked for.

    python -m tests.benchmarks.pace

Machines differ, and one drifts with its neighbours, so every benchmark prints this beside its
figures.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def best_of(work, *args, repeats=5):
    """Least seconds of some calls, after one that traces."""
    work(*args)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work(*args)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def matmul_rate(side=2048):
    """GFLOP/s of a float32 matrix product [side, side] x [side, side], the best of ten."""
    import tensorflow as tf

    x = tf.random.normal((side, side))
    return 2e-9 * side**3 / best_of(lambda: tf.matmul(x, x).numpy(), repeats=10)


if __name__ == "__main__":
    print(f"matrix product of 2048: {matmul_rate():.0f} GFLOP/s")
