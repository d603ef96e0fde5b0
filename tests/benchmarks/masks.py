"""Milliseconds a mask on one core, beside plain drawings by Pillow and OpenCV.

    python -m tests.benchmarks.masks

256 px, batches of 16, one process bound to one core. `pillow` is DeepFill v2's brush,
`opencv` LaMa's generator of the same name (its boxes for `rectangles`), drawn one
mask at a time; `ratio` is our time divided by theirs.
"""

import os
import time

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import cv2
import numpy as np
import tensorflow as tf

from pipelines import masks
from tests.benchmarks import published_masks
from tests.benchmarks.pace import matmul_rate

SIZE, BATCH, CALLS, DRAWINGS = 256, 16, 25, 300


def ours(kind):
    """Seconds a mask: median of calls with fresh masks."""
    draw = tf.function(lambda n: masks.batch(kind, [1, 2], BATCH, SIZE, SIZE, first=n))
    draw(tf.constant(0))
    return np.median([timed(draw, tf.constant(k * BATCH)) for k in range(CALLS)]) / BATCH


def theirs(draw):
    """Seconds a mask: the mean, since a drawing's time varies with its strokes."""
    random = np.random.default_rng(0)
    return np.mean([timed(draw, random) for _ in range(DRAWINGS)])


def timed(work, argument):
    """Seconds of one call."""
    started = time.perf_counter()
    work(argument)
    return time.perf_counter() - started


def main():
    """Prints the table."""
    cv2.setNumThreads(1)
    brush = theirs(published_masks.brush)
    print(f"{SIZE} px, one core{'':24}ms  /pillow brush   /opencv twin")
    print(f"{'pillow: DeepFill brush':40}{brush * 1e3:6.3f}")
    plain = {}
    for name, preset in published_masks.LAMA.items():
        plain[name] = theirs(lambda r, p=preset: published_masks.strokes_or_boxes(r, **p))
        print(f"{'opencv: ' + name:40}{plain[name] * 1e3:6.3f}")
    kinds = [kind for kind in masks.FAMILIES if kind != "files"]
    kinds += ["strokes(hole=(0.2, 0.3))", "0.5*thick + 0.5*irregular"]
    for kind in kinds:
        own = ours(kind)
        twin = f"{own / plain[kind]:15.2f}" if kind in plain else ""
        print(f"{kind:40}{own * 1e3:6.3f}{own / brush:16.2f}{twin}")
    print(f"matrix product of 2048: {matmul_rate():.0f} GFLOP/s")


if __name__ == "__main__":
    main()
