"""Distances between two sets of pictures: Frechet and KID, over features of a named trunk.

These are not FID and KID as papers print them: those are taken over the 2015
Inception graph, which no Keras network equals. Here the features are those of an
LPIPS trunk's last tap, averaged over space, and the results are named after it
(`frechet_lpips_alex`). Use them to compare models on the same pictures.

The Frechet distance of two Gaussians (Dowson and Landau 1982) is
|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)). It is biased upwards for few pictures.
KID (Binkowski et al. 2018) is the unbiased squared MMD of the kernel (x.y / d + 1)^3.
"""

import numpy as np

from pipelines.base.late import Late

stats = Late("scipy.stats")

FEW = 2000  # below this many pictures a set distance says little
GROUPS = 10


def frechet(a, b):
    """Frechet distance of Gaussians fitted to the rows of two [n, d] arrays."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    shift = a.mean(axis=0) - b.mean(axis=0)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # tr (S1 S2)^(1/2) = sum of roots of the eigenvalues of R S2 R with R = S1^(1/2):
    # symmetric, so no complex roots appear where the covariances are rank-deficient.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0.0)).sum()
    distance = shift @ shift + np.trace(first) + np.trace(second) - 2.0 * cross
    return max(float(distance), 0.0)  # rounding leaves a few millionths below for equal sets


def kid(a, b):
    """Unbiased squared MMD of two [n, d] arrays under (x.y / d + 1)^3; may be below 0."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return float(_mean_off_diagonal(a) + _mean_off_diagonal(b) - 2.0 * _kernel(a, b).mean())


def with_interval(distance, a, b):
    """The distance and its 95 % interval by leaving out one of ten groups in turn.

    A bootstrap would repeat pictures, which raises a Frechet distance by itself; the
    grouped jackknife does not. Rows of `a` and `b` belong together and leave together.

    Returns:
        {"mean", "ci95", "n"}, the shape of every other metric's entry.
    """
    groups = min(GROUPS, len(a) // 2)
    member = np.arange(len(a)) % groups
    left_out = [distance(a[member != g], b[member != g]) for g in range(groups)]
    spread = np.sqrt((groups - 1) / groups * np.square(left_out - np.mean(left_out)).sum())
    value = distance(a, b)
    margin = float(stats.t.ppf(0.975, groups - 1) * spread)
    return {"mean": value, "ci95": [value - margin, value + margin], "n": len(a)}


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _mean_off_diagonal(x):
    kernel = _kernel(x, x)
    return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))
