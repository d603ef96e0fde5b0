"""The ladder: one network after the other from simple to elaborate, and whether it rises.

A step is the paired difference between two neighbours over the pictures; only when its
95 % interval leaves out zero is anything said about its direction.
"""

import dataclasses
import pathlib

import numpy as np

from kinpaint.evaluation import contestants
from kinpaint.metrics import aggregate
from kinpaint.metrics.aggregate import higher_is_better
from kinpaint.reporting import wording
from kinpaint.reporting.runs import network_of, read_flags


@dataclasses.dataclass(frozen=True)
class Rung:
    """One model on the ladder.

    Attributes:
        name: its label.
        network: name of its architecture.
        entry: {"mean", "ci95", "n"} of the ladder's metric.
        values: float [pictures], the metric.
    """

    name: str
    network: str
    entry: dict
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Ladder:
    """Rungs in order, under one metric.

    Attributes:
        rungs: at least two, of at least two networks.
        metric: what they are compared by.
        where: which scores these are, in words.
        reference: (name, entry) of the best classical method, or None.
    """

    rungs: list
    metric: str
    where: str
    reference: tuple | None

    def steps(self):
        """(lower rung, higher rung, paired difference higher - lower) of neighbours."""
        neighbours = zip(self.rungs[:-1], self.rungs[1:], strict=True)
        return [
            (a, b, aggregate.paired(b.values, a.values, self.metric)) for a, b in neighbours
        ]

    def sentences(self):
        """What each step says, then whether the ladder rises throughout."""
        steps = self.steps()
        verdicts = [verdict(pair, self.metric) for _, _, pair in steps]
        said = [_step_sentence(a, b, pair, self.metric) for a, b, pair in steps]
        return [_conclusion(steps, verdicts, self.metric), *said]


def verdict(pair, metric):
    """'better', 'worse', or 'open' where the interval holds zero."""
    low, high = pair["ci95"] or (0.0, 0.0)
    if low <= 0.0 <= high:
        return "open"
    return "better" if (low > 0) == higher_is_better(metric) else "worse"


def find(inputs):
    """The ladder of the first study or evaluation that holds one; None without."""
    for study in inputs.ablations:
        if ladder := _of_study(study):
            return ladder
    for evaluation in inputs.evaluations:
        if ladder := _of_evaluation(evaluation):
            return ladder
    return None


def _of_study(study):
    metric = study.metric
    rungs = [
        Rung(name, study.network(name), variant["metrics"][metric], study.values(name, metric))
        for name, variant in study.variants.items()
        if metric in variant["metrics"]
    ]
    references = {
        name: entry["metrics"][metric]
        for name, entry in study.references.items()
        if metric in entry["metrics"]
    }
    pick = max if higher_is_better(metric) else min
    best = pick(references, key=lambda name: references[name]["mean"], default=None)
    where = f"study {study.name}, {study.settings['image_size']} px"
    return _ordered(rungs, metric, where, (best, references[best]) if best else None)


def _of_evaluation(evaluation):
    metric = evaluation.rank_by
    rungs = [
        Rung(
            name,
            _network(name, evaluation.source(name)),
            evaluation.entry(name, metric),
            evaluation.scores[name][metric],
        )
        for name in evaluation.learned
    ]
    best = evaluation.best(evaluation.classical, metric)
    reference = (best, evaluation.entry(best, metric)) if best else None
    return _ordered(rungs, metric, evaluation.conditions(), reference)


def _ordered(rungs, metric, where, reference):
    """A ladder in the order of the registry; None unless two networks are known."""
    from kinpaint.models import MODELS

    order = {name: place for place, name in enumerate(MODELS)}
    known = [r for r in rungs if r.network in order and r.values is not None]
    if len({rung.network for rung in known}) < 2:
        return None
    known.sort(key=lambda rung: order[rung.network])
    return Ladder(known, metric, where, reference)


def _network(name, source):
    """Architecture behind a contestant: its run's flags, else its own name."""
    path = pathlib.Path(contestants.place(source)[0])
    if (path / "flags.txt").is_file():
        return network_of(read_flags(path))
    return name.partition("(")[0].strip()


def _step_sentence(a, b, pair, metric):
    words = {"better": "is better", "worse": "is worse", "open": "is not told apart"}
    return (
        f"{b.name} after {a.name}: {wording.value(metric, pair['mean'])} "
        f"{wording.interval(metric, pair['ci95'])}, {words[verdict(pair, metric)]}; "
        f"better on {pair['better']} of {wording.count(pair['n'], 'picture')}."
    )


def _conclusion(steps, verdicts, metric):
    told = wording.plain_label(metric)
    up, down = ("above", "below") if higher_is_better(metric) else ("below", "above")
    worse = [
        f"{b.name} scores {down} {a.name}" for (a, b, _), v in _zip(steps, verdicts, "worse")
    ]
    open_ = [f"{a.name} and {b.name}" for (a, b, _), v in _zip(steps, verdicts, "open")]
    parts = []
    if worse:
        parts.append(f"The ladder is not monotone in {told}: {wording.names(worse)}.")
    elif not open_:
        parts.append(f"The ladder is monotone in {told}: every step's interval is {up} zero.")
    else:
        parts.append(f"No step of the ladder is worse in {told} beyond its interval.")
    if open_:
        parts.append(f"The intervals allow no statement between {wording.names(open_)}.")
    return " ".join(parts)


def _zip(steps, verdicts, wanted):
    return [(s, v) for s, v in zip(steps, verdicts, strict=True) if v == wanted]
