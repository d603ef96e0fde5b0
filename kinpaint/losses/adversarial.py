"""The critic's and the generator's losses of the critic's scores."""

from typing import NamedTuple

from keras import ops


class Adversarial(NamedTuple):
    """One rule of the adversarial game.

    Attributes:
        critic: `(real_scores, fake_scores)` to the scalar that the critic minimises.
        generator: `fake_scores` to the scalar that the generator minimises.
        penalised: whether the rule needs the critic's gradient penalty.
    """

    critic: callable
    generator: callable
    penalised: bool = False


def _hinge_critic(real, fake):
    """Half the sum of both hinges, as in the authors' code of DeepFill v2."""
    return 0.5 * (ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)))


def _minus_mean(fake):
    return -ops.mean(fake)


ADVERSARIAL = {"hinge": Adversarial(_hinge_critic, _minus_mean)}
