"""Where a model fails: distance from the hole's edge, what lay in the hole, which pictures.

All of it is description of the scored pictures. The measures are
`difficulty.describe`'s; a rank correlation is Spearman's, between a measure and how
badly the pictures scored (+1: the larger, the worse).
"""

import numpy as np
from scipy import stats

from kinpaint.evaluation.difficulty import DISTANCES
from kinpaint.evaluation.table import MEASURES
from kinpaint.metrics.registry import higher_is_better

WORST = 16
SHOWN = 4  # best and median pictures
STANDS_OUT = 75  # percentile from which a measure is given as a reason


def analyse(results, rank_by):
    """By contestant: error by distance, correlations, the pictures to look at.

    Args:
        results: a `results.Results`.
        rank_by: the metric that says what failing is.

    Returns:
        name -> {"by_distance": [{"to_px", "l1", "pixels"}], "measures": {measure:
        {"rank_correlation", "thirds"}}, "best" and "median": [index], "worst": [{"index",
        "image", "value", "reasons"}]}. `thirds` are means of the metric over the
        pictures with low, middle and high values of the measure.
    """
    return {name: _analyse_one(results, name, rank_by) for name in results.table.models}


def _analyse_one(results, name, rank_by):
    values = results.table.column(name, rank_by)
    order = _worst_first(values, rank_by)
    middle = len(order) // 2
    start = max(middle - SHOWN // 2, 0)
    indices = np.asarray(results.table.pictures["index"])
    return {
        "by_distance": _by_distance(results.errors[name]),
        "measures": {
            measure: relation(np.asarray(results.table.pictures[measure]), values, rank_by)
            for measure in MEASURES
        },
        "best": indices[order[::-1][:SHOWN]].tolist(),
        "median": indices[order[start : start + SHOWN]].tolist(),
        "worst": [_failure(results, row, values[row]) for row in order[:WORST].tolist()],
    }


def _worst_first(values, metric):
    """Rows with a value, worst first; equal values keep the order of pictures."""
    rows = np.flatnonzero(~np.isnan(values))
    badness = values[rows] if higher_is_better(metric) else -values[rows]
    return rows[np.argsort(badness, kind="stable")]


def _by_distance(errors):
    sums, pixels = errors
    return [
        {"to_px": edge if np.isfinite(edge) else None, "l1": s / n, "pixels": int(n)}
        for edge, s, n in zip(DISTANCES, sums, pixels, strict=True)
        if n
    ]


def relation(measure, values, metric):
    """How a metric's values, float [pictures], go with a measure's.

    Returns:
        {"rank_correlation", "thirds"} as in `analyse`; both None where nothing varies.
    """
    finite = np.isfinite(values)
    measure, values = measure[finite], values[finite]
    if len(values) < 3 or np.ptp(measure) == 0 or np.ptp(values) == 0:
        return {"rank_correlation": None, "thirds": None}
    badness = -values if higher_is_better(metric) else values
    thirds = np.array_split(values[np.argsort(measure, kind="stable")], 3)
    return {
        "rank_correlation": float(stats.spearmanr(measure, badness).statistic),
        "thirds": [float(third.mean()) for third in thirds],
    }


def _failure(results, row, value):
    """One of the worst pictures, with the measures that stand out among all pictures."""
    reasons = []
    for measure in MEASURES:
        everyone = np.asarray(results.table.pictures[measure])
        percentile = float(100.0 * (everyone < everyone[row]).mean())
        if percentile >= STANDS_OUT:
            own = float(everyone[row])
            reasons.append({"measure": measure, "value": own, "percentile": percentile})
    reasons.sort(key=lambda reason: -reason["percentile"])
    return {
        "index": results.table.pictures["index"][row],
        "image": results.table.pictures["image"][row],
        "value": float(value) if np.isfinite(value) else None,
        "reasons": reasons,
    }
