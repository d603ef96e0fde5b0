"""The generator's losses: a weighted sum of named terms, `1*l1 + 2*l1_hole(of=coarse)`."""

import inspect

import keras

from kinpaint.losses import perceptual, reconstruction, regularity
from pipelines import terms
from pipelines.base.errors import UserError

TERMS = {
    "l1": reconstruction.l1,
    "l2": reconstruction.l2,
    "l1_hole": reconstruction.l1_hole,
    "l1_known": reconstruction.l1_known,
    "l2_hole": reconstruction.l2_hole,
    "l1_discounted": reconstruction.l1_discounted,
    "perceptual": perceptual.perceptual,
    "style": perceptual.style,
    "hrf": perceptual.hrf,
    "feature_matching": perceptual.feature_matching,
    "total_variation": regularity.total_variation,
    "kl": regularity.kl,
}


class WeightedSum:
    """Calls every term; gives the total and each unweighted term by name."""

    def __init__(self, weighted, expression=None):
        """Takes a list of (label, weight, function), and the words it was built from."""
        self.weighted = weighted
        self.expression = expression

    def __call__(self, batch, outputs):
        """Scalar total and dict of label to unweighted scalar."""
        with perceptual.one_step():
            values = {label: loss(batch, outputs) for label, _, loss in self.weighted}
        return sum(weight * values[label] for label, weight, _ in self.weighted), values


def build(expression, **context) -> WeightedSum:
    """Reads `--losses`.

    Args:
        expression: a weighted sum in the grammar of `pipelines.terms`.
        **context: settings of the run given to every term that has an argument of that name
            and whose own settings leave it out, such as `weights_dir`.

    Raises:
        UserError: for an unknown name or an unknown or refused setting.
    """
    weighted, shared = [], {"backbones": perceptual.Backbones()}
    for term in terms.parse(expression, what="losses"):
        known = _settings(term.name)
        unknown = sorted(set(term.settings) - set(known))
        if unknown:
            raise UserError(
                f"loss {term.name!r} has no setting {', '.join(unknown)}; "
                f"known: {', '.join(known) or 'none'}"
            )
        taken = inspect.signature(TERMS[term.name]).parameters
        given = {key: value for key, value in (context | shared).items() if key in taken}
        try:
            loss = TERMS[term.name](**{**given, **term.settings})
        except ValueError as error:
            raise UserError(f"loss {term.name!r}: {error}") from error
        weighted.append((_label(term, weighted), term.weight, loss))
    return WeightedSum(weighted, expression)


def check(expression, network, discriminator=True):
    """Raises UserError where a term is `of` a picture that the network does not paint.

    Or where it asks for a discriminator's features and there is no `discriminator`.
    """
    listed = terms.parse(expression, what="losses")
    if not discriminator and "feature_matching" in {term.name for term in listed}:
        raise UserError(
            "--losses has feature_matching, which compares a discriminator's features: name "
            "one, such as --discriminator=hd_patch"
        )
    wanted = {term.settings.get("of", "output") for term in listed}
    if wanted <= {"output", "composite"}:
        return
    batch = {
        "image": keras.KerasTensor((1, 64, 64, 3)),
        "mask": keras.KerasTensor((1, 64, 64, 1)),
    }
    painted = network.compute_output_spec(batch, training=True)
    pictures = {name for name, x in painted.items() if len(x.shape) == 4} | {"composite"}
    if missing := sorted(wanted - pictures):
        raise UserError(
            f"--losses has a term of={missing[0]}, which {network.name!r} does not paint; "
            f"it has {', '.join(sorted(pictures))}"
        )


def _settings(name):
    if name not in TERMS:
        raise UserError(f"unknown loss {name!r}; known: {', '.join(sorted(TERMS))}")
    parameters = inspect.signature(TERMS[name]).parameters.values()
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def _label(term, weighted):
    """Name for the logs: `l1`, `l1_coarse`, and a number behind it if taken."""
    of = term.settings.get("of", "output")
    label = term.name if of == "output" else f"{term.name}_{of}"
    taken = {name for name, _, _ in weighted}
    return label if label not in taken else f"{label}_{len(weighted)}"
