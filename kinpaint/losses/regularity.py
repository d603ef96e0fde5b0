"""Terms about what was painted itself: its seam, and the latent it was painted from."""

from keras import ops


def total_variation():
    """Differences of neighbours in and at the hole of the composite.

    Liu et al. 2018, section 3.3: over the hole dilated by one pixel; per-sample sum of
    absolute differences over the number of the picture's values.
    """

    def loss(batch, outputs):
        composite, mask = outputs["composite"], batch["mask"]
        region = ops.max_pool(mask, 3, strides=1, padding="same")
        down = ops.abs(composite[:, 1:] - composite[:, :-1]) * region[:, 1:] * region[:, :-1]
        across = ops.abs(composite[:, :, 1:] - composite[:, :, :-1])
        across = across * region[:, :, 1:] * region[:, :, :-1]
        values = ops.cast(ops.prod(ops.shape(composite)[1:]), "float32")
        total = ops.sum(down, axis=(1, 2, 3)) + ops.sum(across, axis=(1, 2, 3))
        return ops.mean(total) / values

    return loss


def kl(free=0.0):
    """Divergence of the latent's normal from the standard one, summed over the latent.

    Kingma and Welling 2014, appendix B. 0 where the outputs hold no latent, as outside
    training.

    Args:
        free: nats of each latent dimension that cost nothing (Kingma et al. 2016).
    """

    def loss(batch, outputs):
        if "latent_mean" not in outputs:
            return ops.zeros(())
        mean, log_variance = outputs["latent_mean"], outputs["latent_log_variance"]
        nats = 0.5 * (ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance)
        return ops.sum(ops.maximum(ops.mean(nats, axis=0), free))

    return loss
