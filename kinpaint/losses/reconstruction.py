"""Distances between what was painted and the picture, as per-sample means.

A loss maps `(batch, outputs)` to a scalar: `batch` has `"image"` and `"mask"`, `outputs` the
generator's dict and `"composite"`. `of` names the entry of `outputs` that is compared.
"""

from keras import ops

DISCOUNT_REACH = 64  # pixels; at gamma 0.9 the weight beyond is below 0.0012


def l1(of="output"):
    """Mean absolute difference over the whole picture."""
    return lambda batch, outputs: ops.mean(ops.abs(batch["image"] - outputs[of]))


def l2(of="output"):
    """Mean squared difference over the whole picture."""
    return lambda batch, outputs: ops.mean(ops.square(batch["image"] - outputs[of]))


def l1_hole(of="output", per="hole"):
    """Mean absolute difference inside the hole.

    Args:
        of: entry of the outputs.
        per: what the sum is divided by: "hole", the hole's own pixels (a sample without one
            counts 0), or "image", all pixels (Liu et al. 2018, section 3.3).
    """
    return _over(lambda mask: mask, ops.abs, of, per)


def l1_known(of="output", per="hole"):
    """Mean absolute difference outside the hole, over those pixels or all; as `l1_hole`."""
    return _over(lambda mask: 1.0 - mask, ops.abs, of, per)


def l2_hole(of="output", per="hole"):
    """Mean squared difference inside the hole (Iizuka et al. 2017, eq. 2); as `l1_hole`."""
    return _over(lambda mask: mask, ops.square, of, per)


def l1_discounted(of="output", gamma=0.9):
    """Absolute difference inside the hole, weighing less the farther from known pixels.

    The weight is gamma to the number of pixels to the nearest known one (Yu et al. 2018,
    section 3.2), counted as a king moves; the authors' code counts so inside its rectangle,
    but from 0 at two of the sides. Divided by the hole's pixels.
    """

    def loss(batch, outputs):
        weight = batch["mask"] * discount(batch["mask"], gamma)
        total = ops.sum(ops.abs(batch["image"] - outputs[of]) * weight, axis=(1, 2, 3))
        return ops.mean(total / _pixels(batch["image"], batch["mask"]))

    return loss


def discount(mask, gamma):
    """gamma^distance to the nearest known pixel: [B, H, W, 1], 1 outside the hole.

    Beyond `DISCOUNT_REACH` pixels it is 0.
    """
    weight = 1.0 - mask
    for _ in range(DISCOUNT_REACH):
        spread = ops.max_pool(weight, 3, strides=1, padding="same")
        weight = ops.maximum(weight, gamma * spread)
    return weight


def _over(region, distance, of, per):
    """The distance summed over the mask's region, divided as `per` says."""
    if per not in ("hole", "image"):
        raise ValueError(f"per must be 'hole' or 'image', received {per!r}")

    def loss(batch, outputs):
        weight = region(batch["mask"])
        difference = distance(batch["image"] - outputs[of]) * weight
        if per == "image":
            return ops.mean(difference)
        total = ops.sum(difference, axis=(1, 2, 3))
        return ops.mean(total / _pixels(batch["image"], weight))

    return loss


def _pixels(image, weight):
    return ops.maximum(ops.sum(weight, axis=(1, 2, 3)) * image.shape[-1], 1.0)
