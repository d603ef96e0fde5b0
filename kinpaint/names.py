"""What a flag may name, known without loading TensorFlow.

The parts themselves are in the registries (`kinpaint.models.MODELS` and the like), which
load Keras; a name that is not here is refused before that. The tests hold both equal.
"""

from pipelines import terms
from pipelines.base.errors import UserError

MODELS = (
    "mlp",
    "cnn",
    "residual",
    "global_local",
    "partial",
    "contextual",
    "gated",
    "pluralistic",
)
CRITICS = ("patch", "sn_patch", "global_local")
LOSSES = (
    "l1",
    "l2",
    "l1_hole",
    "l1_known",
    "l2_hole",
    "l1_discounted",
    "perceptual",
    "style",
    "total_variation",
    "kl",
)
RULES = ("hinge", "non_saturating", "wgan_gp")
NETS = ("alex", "squeeze", "vgg")


def one(text, known, flag):
    """The one `Term` that a flag such as --model names.

    Raises:
        UserError: it cannot be read, is a sum, or names nothing known.
    """
    wanted = terms.parse(text, what=flag)
    if len(wanted) != 1:
        raise UserError(f"{flag} names one network, not a sum: {text!r}")
    _check(wanted, known, flag, text)
    return wanted[0]


def several(text, known, flag):
    """The `Term`s of a weighted sum such as --losses; raises as `one` does."""
    wanted = terms.parse(text, what=flag)
    _check(wanted, known, flag, text)
    return wanted


def _check(wanted, known, flag, text):
    for term in wanted:
        if term.name not in known:
            raise UserError(f"{flag}={text}: {term.name!r} is none of {', '.join(known)}")
