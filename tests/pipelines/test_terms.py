"""The grammar of weighted sums."""

import pytest

from pipelines import terms
from pipelines.base.errors import UserError
from pipelines.terms import Term


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("thick", [Term("thick")]),
        ("2*l1", [Term("l1", 2.0)]),
        (
            "0.5*thick + 0.25*rectangles(count=3) + files(path='a b', flip=false)",
            [
                Term("thick", 0.5),
                Term("rectangles", 0.25, {"count": 3}),
                Term("files", 1.0, {"path": "a b", "flip": False}),
            ],
        ),
        (
            "gated(width=24, fill=pull_push)",
            [Term("gated", 1.0, {"width": 24, "fill": "pull_push"})],
        ),
        (
            "s(hole=(0.1, 0.3), a=-2, b=true)",
            [Term("s", 1.0, {"hole": (0.1, 0.3), "a": -2, "b": True})],
        ),
        ("0.123456789*a", [Term("a", 0.123456789)]),
    ],
)
def test_expressions_read_as_meant_and_print_back(text, wanted):
    assert terms.parse(text) == wanted
    assert terms.parse(" + ".join(map(str, wanted))) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a(",
        "a(3)",
        "2*",
        "a - b",
        "a(**b)",
        "__import__('os').system('x')",
        "a(b=c())",
        "(1, 2)*a",
        "None*a",
        "a(b={[]: 1})",
        "a(b=1, b=2)",
        "+".join(["a"] * 3000),
    ],
)
def test_anything_else_is_refused_and_nothing_is_run(text):
    with pytest.raises(UserError, match="cannot read the masks"):
        terms.parse(text, what="masks")
