"""Draws the distribution of the share of hole of every mask family.

python -m tests.benchmarks.hole_shares OUT.png
"""

import sys

import matplotlib
import numpy as np
import tensorflow as tf

from pipelines import masks

matplotlib.use("Agg")
from matplotlib import pyplot

DRAWN, BATCH, SIDE = 1024, 64, 256
FAMILIES = "rectangles strokes thin medium thick mixed irregular outpaint".split()


def shares(family):
    """The share of hole of `DRAWN` masks."""

    @tf.function
    def draw(first):
        return masks.batch(family, [0, 1], BATCH, SIDE, SIDE, first=first)

    batches = [draw(tf.constant(k, tf.int64)) for k in range(0, DRAWN, BATCH)]
    return np.concatenate([np.asarray(b).mean(axis=(1, 2, 3)) for b in batches])


def main():
    """One histogram a family, with mean and the middle 90 %."""
    figure, axes = pyplot.subplots(2, 4, figsize=(11, 4.6), sharex=True, layout="constrained")
    for axis, family in zip(axes.flat, FAMILIES, strict=True):
        drawn = shares(family)
        low, middle, high = np.quantile(drawn, (0.05, 0.5, 0.95))
        axis.hist(drawn, bins=np.linspace(0, 1, 41), color="#4477aa")
        axis.set_title(f"{family}: mean {drawn.mean():.3f}", fontsize=9)
        axis.set_xlabel(f"5 / 50 / 95 %: {low:.2f} {middle:.2f} {high:.2f}", fontsize=8)
        axis.set_yticks([])
    figure.suptitle(f"share of hole, {DRAWN} masks of {SIDE} px each", fontsize=10)
    figure.savefig(sys.argv[1], dpi=70)


if __name__ == "__main__":
    main()
