"""What the scores say about the variants: means, intervals, paired tests, costs.

A variant's value on a picture is the mean over its seeds, so that the intervals and tests,
which are over pictures, never count one picture twice. How far the seeds lie apart is
stated beside them.
"""

import itertools
import json

import numpy as np

from kinpaint.metrics import aggregate, registry


def compare(groups, scores, against):
    """Means and paired differences.

    Args:
        groups: {name: labels whose values are averaged}, such as a variant's seeds.
        scores: {label: {metric: float [pictures]}}, as `ScoreTable.by_model` gives them.
        against: the name that the others are tested against.

    Returns:
        {name: {"metrics", "seeds_apart", "versus_base"}}: metric -> the entry of
        `aggregate.summarise`; metric -> [lowest, highest] mean of one seed; metric ->
        {"difference", "ci95", "n", "p", "better"}, None for `against` itself; `ci95` is
        None of one picture, `p` where no picture differs.
    """
    values = {name: _averaged([scores[label] for label in ls]) for name, ls in groups.items()}
    return {
        name: {
            "metrics": _summaries(values[name]),
            "seeds_apart": _apart([scores[label] for label in labels]),
            "versus_base": None
            if name == against
            else _differences(values[name], values[against]),
        }
        for name, labels in groups.items()
    }


def pairs(groups, scores, metrics):
    """Paired differences between every two names, first minus second.

    Args:
        groups: as in `compare`.
        scores: as there.
        metrics: which ones.

    Returns:
        A list of {"first", "second", "metrics": {metric: `aggregate.paired`}}, as
        metrics.json has it.
    """
    values = {name: _averaged([scores[label] for label in ls]) for name, ls in groups.items()}
    return [
        {
            "first": a,
            "second": b,
            "metrics": {m: aggregate.paired(values[a][m], values[b][m], m) for m in metrics},
        }
        for a, b in itertools.combinations(groups, 2)
    ]


def means(scores_dir):
    """`metrics.json` of an evaluation."""
    return json.loads((scores_dir / "metrics.json").read_text())


def _averaged(seeds):
    return {m: np.mean([seed[m] for seed in seeds], axis=0) for m in seeds[0]}


def _summaries(values):
    found = aggregate.summarise(np.stack(list(values.values()), axis=1))
    return {m: entry for m, entry in zip(values, found, strict=True) if entry["n"]}


def _apart(seeds):
    means = {m: [float(_finite_mean(seed[m])) for seed in seeds] for m in seeds[0]}
    return {m: [min(x), max(x)] for m, x in means.items() if np.isfinite(x).all()}


def _finite_mean(values):
    finite = values[np.isfinite(values)]
    return finite.mean() if len(finite) else np.nan


def _differences(values, base):
    found = {}
    for metric in values:
        if not registry.of(metric).ranked:
            continue
        pair = aggregate.paired(values[metric], base[metric], metric)
        if not pair["n"]:
            continue
        found[metric] = {
            "difference": pair["mean"],
            "ci95": pair["ci95"],
            "n": pair["n"],
            "p": pair["p_sign"],
            "better": pair["better"],
        }
    return found
