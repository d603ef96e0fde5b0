"""The collection of benchmarks parses their tables and outlives a failing one; broken lines."""

import json
import sys

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import mutations

PRINTED = """256 px, one core                        ms  /pillow brush
center                                   0.088            0.32
strokes(hole=(0.2, 0.3))                 1.314            4.76
pillow: DeepFill brush                   0.276
cold start: 5.07 s (best of 3)
"""


def test_rows_keep_names_and_figures():
    assert ["center", "0.088 0.32"] in benchmarks.rows(PRINTED)
    assert ["strokes(hole=(0.2, 0.3))", "1.314 4.76"] in benchmarks.rows(PRINTED)
    assert ["pillow: DeepFill brush", "0.276"] in benchmarks.rows(PRINTED)
    assert ["cold start", "5.07 s (best of 3)"] in benchmarks.rows(PRINTED)


def test_one_that_fails_is_told_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmarks, "matmul_rate", lambda: 100.0)
    monkeypatch.setattr(benchmarks, "PARTS", {"broken": "no.such.module", "fine": "this"})
    out = tmp_path / "deep" / "a.json"
    monkeypatch.setattr(sys, "argv", ["benchmarks", f"--out={out}"])
    assert benchmarks.main() == 1
    kept = json.loads(out.read_text())
    assert kept["benchmarks"]["broken"]["failed"] and not kept["benchmarks"]["fine"]["failed"]
    assert kept["machine"]["cores"] >= 1 and kept["machine"]["packages"]["tensorflow"]
    printed = capsys.readouterr().out
    assert "FAILED" in printed and "fine" in printed


@pytest.mark.parametrize("case", mutations.BREAKS, ids=lambda case: case.what)
def test_a_line_to_break_stands_once(case):
    assert (mutations.ROOT / case.file).read_text().count(case.line) == 1
    assert all((mutations.ROOT / path).exists() for path in case.tests.split())
