"""Intervals cover, buckets have the published edges, differences are paired."""

import numpy as np
import pytest
from scipy import stats

from kinpaint.metrics import aggregate


def test_means_leave_out_what_is_not_finite_and_count_the_rest():
    values = np.array([[1.0, np.inf], [3.0, 20.0], [np.nan, np.nan]])
    first, second = aggregate.summarise(values)
    assert (first["mean"], first["n"]) == (2.0, 2)
    assert (second["mean"], second["n"], second["ci95"]) == (20.0, 1, None)
    (nothing,) = aggregate.summarise(np.full((3, 1), np.nan))
    assert nothing == {"mean": None, "ci95": None, "n": 0}


def test_95_percent_intervals_cover_about_95_percent():
    rng = np.random.default_rng(0)
    trials = rng.normal(5.0, 2.0, (100, 400))  # 400 data sets of 100 pictures
    intervals = np.array([s["ci95"] for s in aggregate.summarise(trials)])
    covered = ((intervals[:, 0] <= 5.0) & (5.0 <= intervals[:, 1])).mean()
    assert 0.915 <= covered <= 0.975  # three standard deviations of 400 draws
    expected = 2 * 1.96 * trials.std(axis=0) / 10
    np.testing.assert_allclose(np.diff(intervals)[:, 0], expected, rtol=0.15)


def test_intervals_depend_on_the_seed_alone_and_not_on_other_columns():
    values = np.random.default_rng(1).normal(size=(2500, 3))  # more than two blocks
    together = aggregate.summarise(values, seed=4)
    assert together == aggregate.summarise(values, seed=4)
    alone = aggregate.summarise(values[:, 1:2], seed=4)[0]
    np.testing.assert_allclose(alone["ci95"], together[1]["ci95"], rtol=1e-9)
    assert aggregate.summarise(values, seed=5) != together


@pytest.mark.parametrize(
    ("share", "bucket"),
    [
        (0.0, "other"),
        (0.01, "other"),
        (0.0101, "0.01-0.1"),
        (0.1, "0.01-0.1"),
        (0.1001, "0.1-0.2"),
        (0.6, "0.5-0.6"),
        (0.61, "other"),
    ],
)
def test_buckets_are_open_below_and_closed_above(share, bucket):
    assert aggregate.bucket_of(share) == bucket
    assert bucket in aggregate.bucket_names()


def test_a_constant_lead_is_certain_however_much_pictures_vary():
    second = np.random.default_rng(2).normal(20, 5, 30)
    lead = aggregate.paired(second + 0.5, second, "psnr")
    np.testing.assert_allclose([lead["mean"], *lead["ci95"]], 0.5)
    assert (lead["better"], lead["worse"], lead["ties"]) == (30, 0, 0)
    assert lead["p_sign"] == pytest.approx(2 * 0.5**30)


def test_better_means_smaller_for_errors():
    low, high = np.array([0.1, 0.2, 0.3, 0.3]), np.array([0.2, 0.3, 0.2, 0.3])
    outcome = aggregate.paired(low, high, "l1_hole")
    assert (outcome["better"], outcome["worse"], outcome["ties"]) == (2, 1, 1)
    assert outcome["p_sign"] == pytest.approx(stats.binomtest(2, 3).pvalue)


def test_pictures_that_either_model_lacks_are_left_out_of_pairs():
    outcome = aggregate.paired(
        np.array([1.0, np.inf, 3.0]), np.array([2.0, 1.0, np.nan]), "psnr"
    )
    assert (outcome["n"], outcome["mean"], outcome["worse"]) == (1, -1.0, 1)
    same = aggregate.paired(np.ones(3), np.ones(3), "psnr")
    assert (same["ties"], same["p_sign"]) == (3, None)
