"""Set distances on analytic cases and against plain loops."""

import numpy as np
import pytest

from kinpaint.metrics import frechet


def _rows(n=400, d=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_equal_covariances_leave_the_squared_shift():
    a = _rows()
    shift = np.array([1.0, 0.0, -2.0, 0.5, 0.0])
    assert frechet.frechet(a, a + shift) == pytest.approx(shift @ shift)
    assert frechet.frechet(a, a) == pytest.approx(0.0, abs=1e-9)


def test_scaled_axes_leave_the_squared_differences_of_deviations():
    a = np.linalg.qr(_rows())[0]  # with the mean taken off: uncorrelated columns
    a = np.linalg.qr(a - a.mean(axis=0))[0] * np.sqrt(len(a) - 1)
    one, two = np.array([1.0, 2.0, 3.0, 0.5, 1.0]), np.array([2.0, 2.0, 1.0, 0.0, 4.0])
    assert frechet.frechet(a * one, a * two) == pytest.approx(((one - two) ** 2).sum())


def test_a_rotation_of_both_sets_changes_nothing():
    a, b = _rows(seed=1), _rows(seed=2) * 2 + 1
    turn = np.linalg.qr(_rows(5, 5))[0]
    for distance in (frechet.frechet, frechet.kid):
        assert distance(a @ turn, b @ turn) == pytest.approx(distance(a, b), rel=1e-9)


def test_fewer_rows_than_columns_stay_finite():
    a, b = _rows(10, 40), _rows(10, 40, seed=1)
    assert np.isfinite(frechet.frechet(a, b)) and frechet.frechet(a, b) > 0
    assert frechet.frechet(a, a) == pytest.approx(0.0, abs=1e-5)


def test_kid_equals_the_double_loop():
    a, b = _rows(12), _rows(9, seed=1) + 0.3

    def kernel(x, y):
        return (x @ y / 5 + 1) ** 3

    def within(x):
        pairs = [kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
        return np.mean(pairs)

    across = np.mean([kernel(x, y) for x in a for y in b])
    assert frechet.kid(a, b) == pytest.approx(within(a) + within(b) - 2 * across)


def test_kid_of_one_distribution_is_about_zero_within_its_interval():
    entry = frechet.with_interval(frechet.kid, _rows(500), _rows(500, seed=1))
    assert entry["n"] == 500 and entry["ci95"][0] < 0.0 < entry["ci95"][1]
    far = frechet.with_interval(frechet.kid, _rows(500), _rows(500, seed=1) + 1.0)
    assert far["ci95"][0] > entry["ci95"][1]
