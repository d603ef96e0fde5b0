"""From one value a picture to means with intervals, buckets and paired differences.

Intervals are 95 % percentile intervals of a Poisson bootstrap (Chamandy et al. 2012,
"Estimating uncertainty for massive data streams"): in each resample a picture counts
Poisson(1) times. The weights depend on (seed, picture's index) alone, so they are the
same for every model and metric, for one process or several, and a pass needs memory
for one block of pictures.

Values that are not finite stand for "not defined here": NaN where a picture has no
hole, +inf dB where two pictures are identical. They enter no mean.
"""

import functools

import numpy as np

from kinpaint.metrics.registry import higher_is_better
from pipelines.base.late import Late

stats = Late("scipy.stats")


RESAMPLES = 1000
BLOCK = 1024  # pictures whose weights are drawn at once
# Liu et al. 2018, section 4.2: (0.01, 0.1], (0.1, 0.2] ... (0.5, 0.6] of the picture.
BUCKET_EDGES = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
OTHER = "other"


def bucket_names():
    """The buckets in rising order, "other" last."""
    pairs = zip(BUCKET_EDGES[:-1], BUCKET_EDGES[1:], strict=True)
    return [f"{low:g}-{high:g}" for low, high in pairs] + [OTHER]


def bucket_of(hole_fraction):
    """The bucket (low, high] that a share of hole pixels belongs to."""
    if not BUCKET_EDGES[0] < hole_fraction <= BUCKET_EDGES[-1]:
        return OTHER
    return bucket_names()[int(np.searchsorted(BUCKET_EDGES, hole_fraction)) - 1]


def summarise(values, seed=0):
    """Mean, interval and count of each column.

    Args:
        values: float [pictures, columns]; row i is the picture with index i.
        seed: of the resampling.

    Returns:
        A list with a dict {"mean", "ci95": [low, high], "n"} for each column: `n`
        finite values; the mean is None without any, the interval below two.
    """
    finite = np.isfinite(values)
    counts = finite.sum(axis=0)
    low, high = _percentiles(_resampled_means(values, seed), counts > 1)
    sums = np.where(finite, values, 0.0).sum(axis=0)
    return [
        {
            "mean": float(sums[i] / n) if n else None,
            "ci95": [float(low[i]), float(high[i])] if n > 1 else None,
            "n": int(n),
        }
        for i, n in enumerate(counts)
    ]


def paired(first, second, metric, seed=0):
    """The difference first - second over the pictures that both have, and a sign test.

    Args:
        first: float [pictures], one model's values.
        second: the other's.
        metric: its name, which tells what "better" is.
        seed: of the resampling.

    Returns:
        {"mean", "ci95", "n", "better", "worse", "ties", "p_sign"}: `better` counts the
        pictures on which the first model is; `p_sign` is the exact two-sided
        binomial probability of counts at least as uneven, ties left out.
    """
    both = np.isfinite(first) & np.isfinite(second)
    difference = np.where(both, first, np.nan) - np.where(both, second, np.nan)
    sign = 1 if higher_is_better(metric) else -1
    better, worse = int((sign * difference > 0).sum()), int((sign * difference < 0).sum())
    ties = int(both.sum()) - better - worse
    p_sign = float(stats.binomtest(better, better + worse).pvalue) if better + worse else None
    summary = summarise(difference[:, None], seed)[0]
    return {**summary, "better": better, "worse": worse, "ties": ties, "p_sign": p_sign}


def _percentiles(means, enough):
    """2.5th and 97.5th of each column; NaN where there are not enough values."""
    found = np.full((2, means.shape[1]), np.nan)
    if enough.any():
        found[:, enough] = np.nanpercentile(means[:, enough], (2.5, 97.5), axis=0)
    return found


def _resampled_means(values, seed):
    """Means of RESAMPLES resamples, [RESAMPLES, columns]; NaN where one came out empty."""
    sums = np.zeros((RESAMPLES, values.shape[1]))
    counts = np.zeros_like(sums)
    for block in range(-(-len(values) // BLOCK)):
        part = values[block * BLOCK : (block + 1) * BLOCK]
        weights = _weights(seed, block)[:, : len(part)]
        finite = np.isfinite(part)
        sums += weights @ np.where(finite, part, 0.0)
        counts += weights @ finite.astype(float)
    with np.errstate(invalid="ignore"):
        return sums / counts


def _weights(seed, block):
    """How often each of a block's pictures counts, float64 [RESAMPLES, BLOCK]."""
    generator = np.random.default_rng((seed % (1 << 64), block))  # it takes no negative seed
    return _poisson()[generator.integers(0, 1 << 16, (RESAMPLES, BLOCK), "u2")]


@functools.cache
def _poisson():
    """Poisson(1) by the quantile of a 16-bit draw: exact to 1/65536, and ten times as fast
    as the generator's own.
    """
    return stats.poisson.ppf((np.arange(1 << 16) + 0.5) / (1 << 16), 1.0)
