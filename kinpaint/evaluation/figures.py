"""The figures of one evaluation (`metrics.json`) in words, tables and charts.

The evaluation's own page and the report show the same. Nothing is said of two models but
what the interval of their paired difference backs: where it holds zero they are "not told
apart", whatever their means.
"""

import dataclasses
import functools

from kinpaint import charts
from kinpaint.blocks import Cell, Chart, Table
from kinpaint.evaluation.table import MEASURES
from kinpaint.metrics import aggregate, registry
from kinpaint.metrics.registry import METRICS

_INTERVAL = "Small figures: 95 % bootstrap intervals over the pictures."
_MOST_NAMED = 6  # names in a sentence; the rest are counted


@dataclasses.dataclass(frozen=True)
class Figures:
    """One evaluation.

    Attributes:
        data: what metrics.json holds.
        label: its name among others; may be empty.
        looks: {model: style} of charts, where other evaluations share a page; None: own.
    """

    data: dict
    label: str = ""
    looks: dict | None = None

    @property
    def names(self):
        """The models, in order."""
        return list(self.data["models"])

    @functools.cached_property
    def metrics(self):
        """Metrics that were had, in the registry's order."""
        first = self.data["models"][self.names[0]]
        return [m for m in METRICS if first.get(m, {}).get("mean") is not None]

    @property
    def rank_by(self):
        """The metric that says what good is."""
        return self.data["settings"]["rank_by"]

    @property
    def leading(self):
        """That metric, and LPIPS where it was had."""
        return [m for m in dict.fromkeys((self.rank_by, "lpips_alex")) if m in self.metrics]

    @property
    def scored(self):
        """How many pictures."""
        return self.data["pictures"]["scored"]

    @property
    def classical(self):
        """Names of the classical methods."""
        models = self.data["settings"]["models"]
        return [n for n in self.names if models[n]["source"].startswith("baseline:")]

    @property
    def learned(self):
        """Names of the trained models."""
        return [name for name in self.names if name not in self.classical]

    @property
    def styles(self):
        """{model: style} of charts."""
        return self.looks or charts.styles(self.learned, self.classical)

    def entry(self, name, metric):
        """{"mean", "ci95", "n"} of a model; None where it was not scored so."""
        return self.data["models"].get(name, {}).get(metric)

    def best(self, among, metric):
        """The name with the best mean; None where none has one."""
        known = [name for name in among if self.entry(name, metric)["mean"] is not None]
        pick = max if registry.higher_is_better(metric) else min
        return pick(known, key=lambda name: self.entry(name, metric)["mean"], default=None)

    def pair(self, first, second, metric):
        """The paired difference first - second, as `aggregate.paired` gives it, or None."""
        for pair in self.data["paired"]:
            entry = pair["metrics"].get(metric)
            if (pair["first"], pair["second"]) == (first, second):
                return entry
            if (pair["first"], pair["second"]) == (second, first):
                return turned(entry)
        return None

    def verdict(self, first, second, metric):
        """Whether the first is "better", "worse" or "open" beside the second."""
        return verdict(self.pair(first, second, metric), metric)

    def top(self, metric):
        """The model with the best mean, and all that are not told apart from it."""
        if not registry.of(metric).ranked:
            return []
        best = self.best(self.names, metric)
        others = [n for n in self.names if n != best]
        tied = [n for n in others if self.verdict(n, best, metric) == "open"]
        return [] if best is None or len(tied) == len(self.names) - 1 else [best, *tied]

    def conditions(self):
        """What was scored, in words."""
        return f"{self.where()}, {count(self.scored, 'picture')}"

    def where(self):
        """At what size and under which holes, in words."""
        s = self.data["settings"]
        return f"{s['image_size']} px, holes {s['masks']}"

    def headline(self, metric):
        """Who wins by a metric, by how much, and whether that is beyond chance."""
        known = registry.of(metric)
        ours, theirs = self.best(self.learned, metric), self.best(self.classical, metric)
        if ours and theirs:
            return self._beside_classical(known, ours, theirs)
        best = ours or theirs
        rest = [name for name in self.top(metric) if name != best]
        tied = f"; not told apart from it: {names(rest)}" if rest else ""
        return f"By {known.label} {best} has the best mean, {score(known, self, best)}{tied}."

    def _beside_classical(self, metric, ours, theirs):
        pair = self.pair(ours, theirs, metric.name)
        way = verdict(pair, metric.name)
        own, other = (score(metric, self, name) for name in (ours, theirs))
        gap = f"{metric.value(abs(pair['mean']))}{_of_size(metric, pair)}"
        if way == "better":
            return (
                f"By {metric.label} {ours} is the best trained model, {own}: {gap} better "
                f"than {theirs}, the best classical method, {other}."
            )
        if way == "worse":
            return (
                f"By {metric.label} no trained model reaches {theirs}, a classical method, "
                f"{other}: the nearest, {ours}, is worse by {gap}, {own}."
            )
        return (
            f"By {metric.label} {ours}, the best trained model, {own}, is not told apart from "
            f"{theirs}, a classical method, {other}: difference {metric.value(pair['mean'])}"
            f"{interval(metric, pair)}."
        )

    def score_table(self, metrics, caption=""):
        """Means with intervals, a row a model.

        Marked in a column is the best mean with all that are not told apart from it.
        """
        top = {metric: self.top(metric) for metric in metrics}
        rows = [
            [Cell(name), *(cell(m, self.entry(name, m), name in top[m]) for m in metrics)]
            for name in self.names
        ]
        heads = [f"{registry.of(m).axis} {registry.of(m).arrow}".strip() for m in metrics]
        told = caption or f"Scores at {self.conditions()}."
        marked = "Marked: the best mean and those that are not told apart from it."
        return Table(f"{told} {_INTERVAL} {marked}", ["model", *heads], rows)

    def group_table(self, key, metric, what):
        """One metric by groups ("classes", "families" or "buckets"), a column a group."""
        groups = self.data.get(key, {})
        heads = [charts.share(g) if key == "buckets" else g for g in groups]
        rows = [
            [Cell(name), *(cell(metric, models[name][metric]) for models in groups.values())]
            for name in self.names
        ]
        counts = self.counts(key)
        heads = [f"{head} (n = {counts[g]})" for head, g in zip(heads, groups, strict=True)]
        caption = f"{registry.of(metric).axis} by {what}. {_INTERVAL}"
        return Table(caption, ["model", *heads], rows)

    def counts(self, key):
        """{group: pictures in it}."""
        groups = self.data.get(key, {}).items()
        return {g: max(e[self.rank_by]["n"] for e in models.values()) for g, models in groups}

    def pair_table(self, metric, pairs):
        """Differences on the same pictures."""
        rows = []
        for first, second in pairs:
            pair = self.pair(first, second, metric)
            told = {"better": "better", "worse": "worse", "open": "not told apart"}
            rows.append(
                [
                    Cell(f"{first} − {second}"),
                    cell(metric, pair),
                    Cell(told[verdict(pair, metric)]),
                    Cell(f"{pair['better']} / {pair['worse']} / {pair['ties']}"),
                    Cell(chance(pair["p_sign"])),
                ]
            )
        caption = (
            f"{registry.of(metric).axis}: differences on the same pictures, 95 % intervals, "
            f"on how many pictures the first is better, worse or equal, and the sign test's p."
        )
        header = ["first − second", "difference", "the first is", "better / worse / equal", "p"]
        return Table(caption, header, rows)

    def bucket_chart(self, metric):
        """A metric by size of the hole."""
        known, groups = registry.of(metric), self.data["buckets"]
        caption = (
            f"{known.label} by the hole's share of the picture ({known.better} is better): "
            f"means with 95 % intervals; {charts.share('other')}: holes of all other sizes."
        )
        if aggregate.OTHER not in groups:
            caption = caption.partition(";")[0] + "."
        counts, order = self.counts("buckets"), aggregate.bucket_names()
        return Chart(
            caption,
            lambda figure: charts.buckets(
                figure, groups, order, counts, self.names, known, self.styles
            ),
        )

    def distance_chart(self):
        """The error by distance to what is known."""
        errors = {name: found["by_distance"] for name, found in self.data["errors"].items()}
        return Chart(
            "Mean absolute error inside the hole (lower is better) by distance to the nearest "
            "known pixel.",
            lambda figure: charts.distance(figure, errors, self.styles),
        )

    def relation_table(self, models):
        """How strongly the ranking metric worsens with what was measured in the hole."""
        rows = []
        for name in models:
            found = self.data["errors"][name]["measures"]
            rows.append([Cell(name), *(_relation(found[m], self.scored) for m in MEASURES)])
        caption = (
            f"How {registry.of(self.rank_by).label} worsens with what was measured on the true "
            f"picture: Spearman's rank correlation, 1: always worse with more. {_INTERVAL}"
        )
        return Table(caption, ["model", *MEASURES.values()], rows)


def verdict(pair, metric):
    """What a paired difference first - second says of the first: "better", "worse", "open"."""
    low, high = (pair and pair["ci95"]) or (0.0, 0.0)
    if low <= 0.0 <= high:
        return "open"
    return "better" if (low > 0) == registry.higher_is_better(metric) else "worse"


def turned(pair):
    """The difference the other way round."""
    if pair is None:
        return None
    return {
        **pair,
        "mean": None if pair["mean"] is None else -pair["mean"],
        "ci95": [-x for x in reversed(pair["ci95"])] if pair["ci95"] else None,
        "better": pair["worse"],
        "worse": pair["better"],
    }


def rank_interval(correlation, n):
    """95 % interval of Spearman's rank correlation (Fieller, Hartley and Pearson 1957)."""
    import numpy as np

    if correlation is None or n < 10:
        return None
    centre = np.arctanh(np.clip(correlation, -0.9999, 0.9999))
    arm = 1.96 * np.sqrt(1.06 / (n - 3))
    return [float(np.tanh(centre - arm)), float(np.tanh(centre + arm))]


def _relation(found, n):
    r = found["rank_correlation"]
    ends = rank_interval(r, n)
    small = f"{_signed(ends[0])} … {_signed(ends[1])}" if ends else ""
    return Cell("–" if r is None else _signed(r), small)


def _signed(number):
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


def _of_size(metric, pair):
    """The interval of a difference's size, in brackets."""
    low, high = sorted(map(abs, pair["ci95"]))
    return f" ({metric.digits(low)} to {metric.digits(high)})"


def cell(metric, entry, best=False):
    """A mean with its interval below."""
    if entry is None:
        return Cell("–")
    known, small = registry.of(metric), []
    if entry["ci95"]:
        small.append(" … ".join(map(known.digits, entry["ci95"])))
    if entry.get("identical"):
        small.append(f"{entry['identical']} identical")
    return Cell(known.digits(entry["mean"]), ", ".join(small), best)


def interval(metric, entry):
    """The interval in brackets, (21.47 to 22.55), with a space before; empty without one."""
    if not entry["ci95"]:
        return ""
    low, high = map(registry.of(getattr(metric, "name", metric)).digits, entry["ci95"])
    return f" ({low} to {high})"


def score(metric, figures, name):
    """21.46 dB (20.94 to 21.99)."""
    entry = figures.entry(name, metric.name)
    return metric.value(entry["mean"]) + interval(metric, entry)


def names(items):
    """a, b and c; from the seventh on the rest are counted; names with commas: a, b; and c."""
    items = list(map(str, items))
    comma = "; " if any(", " in item for item in items) and len(items) > 2 else ", "
    if len(items) > _MOST_NAMED + 1:
        items = [*items[:_MOST_NAMED], f"{len(items) - _MOST_NAMED} more"]
    return " and ".join(filter(None, [comma.join(items[:-1]), items[-1]])) if items else "none"


def count(n, thing):
    """1 picture, 2,000 pictures."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def chance(p):
    """A test's probability."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}"
