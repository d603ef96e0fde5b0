"""The discriminator's and the generator's losses of the discriminator's scores."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops


class Adversarial(NamedTuple):
    """One rule of the adversarial game.

    Attributes:
        discriminator: `(real_scores, fake_scores)` to the scalar that it minimises.
        generator: `fake_scores` to the scalar that it minimises.
        penalised: whether the rule needs the discriminator's gradient penalty.
    """

    discriminator: Callable
    generator: Callable
    penalised: bool = False


def _hinge_discriminator(real, fake):
    """Both hinges; halved as in the code of DeepFill v2, not in the paper (eq. 5)."""
    return 0.5 * (ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)))


def _saturating_discriminator(real, fake):
    """Cross entropy, halved as pix2pix does to slow the discriminator (section 3.3)."""
    return 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))


def _non_saturating_generator(fake):
    """-log D(fake) (Goodfellow et al. 2014, section 3)."""
    return ops.mean(ops.softplus(-fake))


def _wasserstein_discriminator(real, fake):
    """Arjovsky et al. 2017; with the penalty of Gulrajani et al. 2017, eq. 3."""
    return ops.mean(fake) - ops.mean(real)


def _minus_mean(fake):
    return -ops.mean(fake)


ADVERSARIAL = {
    "hinge": Adversarial(_hinge_discriminator, _minus_mean),
    "non_saturating": Adversarial(_saturating_discriminator, _non_saturating_generator),
    "wgan_gp": Adversarial(_wasserstein_discriminator, _minus_mean, penalised=True),
}
