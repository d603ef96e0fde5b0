"""Small networks and batches that the training tests share."""

import numpy as np

from kinpaint import discriminators, losses, models
from kinpaint.options import OptimizerOptions
from kinpaint.training import precision
from kinpaint.training.inpainter import Inpainter


def batch(count=4, side=32, seed=0):
    """Smooth pictures with a random rectangle for a hole."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    phase = rng.uniform(0, 6, (count, 1, 1, 3))
    image = 0.8 * np.sin(4 * x[None, ..., None] + 3 * y[None, ..., None] + phase)
    mask = np.zeros((count, side, side, 1))
    for sample in mask:
        top, left = rng.integers(2, side // 2, 2)
        sample[top : top + side // 3, left : left + side // 3] = 1
    return {"image": image.astype("float32"), "mask": mask.astype("float32")}


def inpainter(dtype="float32", discriminator=True, expression="l1", **compile_settings):
    """A compiled tiny gated generator against a tiny discriminator."""
    policy = precision.policy(dtype)
    rates = OptimizerOptions(
        learning_rate=compile_settings.pop("rate", 1e-3),
        accumulate=compile_settings.pop("accumulate", 1),
    )
    average = compile_settings.pop("average", 0.0)
    network = models.build("gated", dtype=policy, width=8)
    judge = discriminators.build("sn_patch", dtype=policy, width=4) if discriminator else None
    model = Inpainter(network, judge, average)
    model.compile(
        precision.adam(rates, rates.learning_rate, dtype),
        precision.adam(rates, rates.learning_rate, dtype) if discriminator else None,
        losses.build(expression),
        **compile_settings,
    )
    return model
