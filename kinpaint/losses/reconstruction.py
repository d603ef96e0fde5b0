"""Distances between what was painted and the picture, as per-sample means.

A loss maps `(batch, outputs)` to a scalar: `batch` has `"image"` and `"mask"`, `outputs` the
generator's dict and `"composite"`. `of` names the entry of `outputs` that is compared.
"""

from keras import ops


def l1(of="output"):
    """Mean absolute difference over the whole picture."""
    return lambda batch, outputs: ops.mean(ops.abs(batch["image"] - outputs[of]))


def l2(of="output"):
    """Mean squared difference over the whole picture."""
    return lambda batch, outputs: ops.mean(ops.square(batch["image"] - outputs[of]))


def l1_hole(of="output"):
    """Mean absolute difference over each sample's hole; none counts 0."""
    return lambda batch, outputs: _masked_l1(batch["image"], outputs[of], batch["mask"])


def l1_known(of="output"):
    """Mean absolute difference over each sample's known pixels; none counts 0."""
    return lambda batch, outputs: _masked_l1(batch["image"], outputs[of], 1.0 - batch["mask"])


def _masked_l1(image, output, weight):
    total = ops.sum(ops.abs(image - output) * weight, axis=(1, 2, 3))
    count = ops.sum(weight, axis=(1, 2, 3)) * image.shape[-1]
    return ops.mean(total / ops.maximum(count, 1.0))
