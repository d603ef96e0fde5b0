"""The discriminator's and the generator's losses of the discriminator's scores.

Beside the classical rules stand two with R1 (Mescheder et al. 2018, eq. 9): the squared slope
of the discriminator at the truth costs. `lama` is `r1` with a discriminator that is told that
the known part of a completed picture is true (Suvorov et al. 2022, section 2.3).
"""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops


class Adversarial(NamedTuple):
    """One rule of the adversarial game.

    Attributes:
        discriminator: `(real_scores, fake_scores)` to the scalar that it minimises; where the
            rule is `masked`, `(real_scores, fake_scores, hole)`, all [B, h, w, _].
        generator: `fake_scores` to the scalar that it minimises.
        penalty: of the discriminator's gradient: "slope" between truth and composite, "r1" at
            the truth, or "" for none.
        masked: whether the discriminator's loss asks which scores lie in the hole.
    """

    discriminator: Callable
    generator: Callable
    penalty: str = ""
    masked: bool = False

    @property
    def penalised(self):
        """Whether the rule needs a penalty of the discriminator's gradient."""
        return bool(self.penalty)


def _hinge_discriminator(real, fake):
    """Both hinges; halved as in the code of DeepFill v2, not in the paper (eq. 5)."""
    return 0.5 * (ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)))


def _saturating_discriminator(real, fake):
    """Cross entropy, halved as pix2pix does to slow the discriminator (section 3.3)."""
    return 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))


def _non_saturating_generator(fake):
    """-log D(fake) (Goodfellow et al. 2014, section 3)."""
    return ops.mean(ops.softplus(-fake))


def _logistic_discriminator(real, fake):
    """Cross entropy, as StyleGAN2 and LaMa have it: not halved."""
    return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))


def _masked_logistic_discriminator(real, fake, hole):
    """The same, with the fake's known part counted as truth; the mean is over all scores."""
    wrong = hole * ops.softplus(fake) + (1.0 - hole) * ops.softplus(-fake)
    return ops.mean(ops.softplus(-real)) + ops.mean(wrong)


def _wasserstein_discriminator(real, fake):
    """Arjovsky et al. 2017; with the penalty of Gulrajani et al. 2017, eq. 3."""
    return ops.mean(fake) - ops.mean(real)


def _minus_mean(fake):
    return -ops.mean(fake)


ADVERSARIAL = {
    "hinge": Adversarial(_hinge_discriminator, _minus_mean),
    "non_saturating": Adversarial(_saturating_discriminator, _non_saturating_generator),
    "wgan_gp": Adversarial(_wasserstein_discriminator, _minus_mean, "slope"),
    "r1": Adversarial(_logistic_discriminator, _non_saturating_generator, "r1"),
    "lama": Adversarial(
        _masked_logistic_discriminator, _non_saturating_generator, "r1", masked=True
    ),
}
