"""What `kinpaint.eval` wrote."""

import functools
import json
import pathlib

import numpy as np

from kinpaint.ablation.comparison import read_scores
from kinpaint.evaluation import contestants
from kinpaint.evaluation.pages import LABELS
from kinpaint.metrics.aggregate import higher_is_better
from pipelines.base.errors import UserError

_FILES = ("metrics.json", "per_image.csv", "holes.jsonl")


class Evaluation:
    """One directory of scores.

    Attributes:
        label: its name in the report.
        dir: the directory.
        figures: what metrics.json holds.
        names: the models'.
        metrics: those that were had, in the order of tables.
        rank_by: the metric that says what good is.

    Args:
        spec: [label=]DIR.

    Raises:
        UserError: the directory holds no finished evaluation.
    """

    def __init__(self, spec):
        label, path = contestants.split(spec)
        self.dir = pathlib.Path(path)
        for name in _FILES:
            if not (self.dir / name).is_file():
                raise UserError(f"{self.dir} has no {name}: finish kinpaint.eval there first")
        try:
            self.figures = json.loads((self.dir / "metrics.json").read_text())
            self.names = list(self.figures["models"])
            self.rank_by = self.figures["settings"]["rank_by"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.dir}/metrics.json cannot be read: {error}") from error
        self.label = label or self.dir.resolve().name
        first = self.figures["models"][self.names[0]]
        self.metrics = [m for m in LABELS if first.get(m, {}).get("mean") is not None]

    @functools.cached_property
    def scores(self):
        """{model: {metric: float [pictures]}}."""
        return read_scores(self.dir)

    @property
    def leading(self):
        """The metric that ranks, and LPIPS where it was had."""
        wanted = dict.fromkeys((self.rank_by, "lpips_alex"))
        return [metric for metric in wanted if metric in self.metrics]

    @property
    def scored(self):
        """How many pictures."""
        return self.figures["pictures"]["scored"]

    def setting(self, name):
        """One of the settings that it was made with."""
        return self.figures["settings"][name]

    def source(self, name):
        """The path, or baseline:NAME, behind a model."""
        return self.setting("models")[name]["source"]

    def entry(self, name, metric):
        """{"mean", "ci95", "n"} of a model."""
        return self.figures["models"][name][metric]

    @property
    def classical(self):
        """Names of the classical baselines."""
        return [name for name in self.names if self.source(name).startswith("baseline:")]

    @property
    def learned(self):
        """Names of the trained models."""
        return [name for name in self.names if name not in self.classical]

    def best(self, among, metric):
        """The name with the best mean; None when none has one."""
        means = {name: self.entry(name, metric)["mean"] for name in among}
        known = {name: mean for name, mean in means.items() if mean is not None}
        if not known:
            return None
        return (max if higher_is_better(metric) else min)(known, key=known.get)

    def pair(self, first, second, metric):
        """The paired difference first - second, as `aggregate.paired` gives it."""
        for pair in self.figures["paired"]:
            entry = pair["metrics"].get(metric)
            if (pair["first"], pair["second"]) == (first, second):
                return entry
            if (pair["first"], pair["second"]) == (second, first):
                return _turned(entry)
        return None

    @functools.cached_property
    def holes(self):
        """A dict a picture: "index", "image", "family", "hole_fraction"."""
        lines = (self.dir / "holes.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[1:]]

    @functools.cached_property
    def images(self):
        """Names of the pictures in the order of `scores`."""
        return np.asarray([row["image"] for row in self.holes])

    def conditions(self):
        """At what size and under which holes it was scored, in words."""
        s = self.figures["settings"]
        return f"{s['image_size']} px, {s['masks']} holes, {self.scored:,} pictures"


def _turned(entry):
    if entry is None:
        return None
    low, high = entry["ci95"] or (None, None)
    return {
        **entry,
        "mean": None if entry["mean"] is None else -entry["mean"],
        "ci95": [-high, -low] if entry["ci95"] else None,
        "better": entry["worse"],
        "worse": entry["better"],
    }
