"""What a flag may name, known without loading TensorFlow.

The parts are in the registries (`kinpaint.models.MODELS` and the like). Importing one loads
Keras, so the keys are read from its source: a wrong name is refused before that.
"""

import ast
import pathlib

from pipelines import terms
from pipelines.base.errors import UserError


def _keys(file, registry):
    """The keys of a dict that stands in a file below this one's folder."""
    source = (pathlib.Path(__file__).parent / file).read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == registry:
            return tuple(key.value for key in node.value.keys)
    raise LookupError(f"{file} has no {registry}")


MODELS = _keys("models/__init__.py", "MODELS")
DISCRIMINATORS = _keys("discriminators/__init__.py", "DISCRIMINATORS")
LOSSES = _keys("losses/__init__.py", "TERMS")
RULES = _keys("losses/adversarial.py", "ADVERSARIAL")
NETS = _keys("metrics/trunks.py", "KINDS")


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
