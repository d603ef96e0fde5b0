"""What is measured in a hole, and where in it errors are counted."""

import numpy as np
import pytest

from kinpaint.evaluation import difficulty

SIDE = 32


def _hole(rows, columns):
    hole = np.zeros((SIDE, SIDE, 1), bool)
    hole[rows, columns] = True
    return hole


def test_share_and_width_of_a_stripe():
    measured = difficulty.describe(
        np.zeros((SIDE, SIDE, 3), "uint8"), _hole(slice(8, 15), slice(None))
    )
    assert measured["hole_fraction"] == pytest.approx(7 / SIDE)
    assert measured["hole_width"] == 8.0  # the middle row is 4 px from the nearest known one
    assert (measured["at_border"], measured["contrast"], measured["edge_density"]) == (1, 0, 0)


def test_edges_and_contrast_are_those_inside_the_hole():
    truth = np.zeros((SIDE, SIDE, 3), "uint8")
    truth[:, 16:] = 255
    on_the_edge = difficulty.describe(truth, _hole(slice(4, 28), slice(10, 22)))
    assert on_the_edge["edge_density"] == pytest.approx(2 / 12)  # the columns beside the step
    assert on_the_edge["contrast"] == pytest.approx(0.5)
    beside = difficulty.describe(truth, _hole(slice(4, 28), slice(2, 10)))
    assert (beside["edge_density"], beside["contrast"], beside["at_border"]) == (0, 0, 0)


def test_errors_are_counted_at_their_distance():
    hole = _hole(slice(8, 24), slice(8, 24))
    truth, completed = np.zeros((2, SIDE, SIDE, 3), "uint8")
    completed = completed.copy()
    completed[16, 16] = 51  # 8 px from the nearest known pixel
    sums, pixels = difficulty.errors_by_distance(truth, completed, hole)
    assert sum(pixels) == 256 and pixels[0] == 60  # the outermost ring of a 16 px square
    assert sums == pytest.approx([0, 0, 0, 0.2, 0, 0, 0, 0])


def test_all_hole_and_no_hole():
    truth = np.zeros((SIDE, SIDE, 3), "uint8")
    everything = difficulty.describe(truth, _hole(slice(None), slice(None)))
    assert (everything["hole_fraction"], everything["hole_width"]) == (1.0, 2 * SIDE)
    assert set(difficulty.describe(truth, _hole(slice(0), slice(0))).values()) == {0.0}
