"""Weighted sums written as text: `0.5*thick + 0.5*rectangles(count=3)`.

`--masks` and `--losses` share this small grammar:

    sum  = term {"+" term}
    term = [number "*"] name ["(" key "=" value {"," key "=" value} ")"]

A value is a number, true/false, a quoted string, a bare word or a
parenthesised tuple of these.
"""

import ast
import dataclasses

from pipelines.base.errors import UserError


@dataclasses.dataclass(frozen=True)
class Term:
    """One weighted name with its settings."""

    name: str
    weight: float = 1.0
    settings: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        """The term in the grammar above, so that a parsed text can be stored."""
        settings = ", ".join(f"{k}={v!r}" for k, v in self.settings.items())
        return f"{self.weight!r}*{self.name}" + (f"({settings})" if settings else "")


def parse(text, *, what="expression"):
    """Reads a weighted sum into a list of `Term`; raises UserError naming `what`."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return [_term(node) for node in _addends(tree)]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise UserError(
            f"cannot read the {what} {text!r}: write it like "
            f"'name', 'name(key=value)' or '0.5*name + 0.5*other(key=value)'"
        ) from error


def _addends(node):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _addends(node.left) + _addends(node.right)
    return [node]


def _term(node):
    weight = 1.0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        weight, node = float(ast.literal_eval(node.left)), node.right
    if isinstance(node, ast.Name):
        return Term(node.id, weight)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        settings = {k.arg: _value(k.value) for k in node.keywords}
        if None not in settings and len(settings) == len(node.keywords):
            return Term(node.func.id, weight, settings)
    raise ValueError(ast.dump(node))


def _value(node):
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id.lower(), node.id)
    return ast.literal_eval(node)
