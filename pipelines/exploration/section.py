"""One section of the report, and the small statistics that several share."""

import dataclasses

import numpy as np


@dataclasses.dataclass
class Section:
    """What a section shows.

    Attributes:
        title: heading.
        facts: numbers for the JSON report.
        text: sentences.
        tables: (caption, header, rows) triples.
        plots: (caption, PNG bytes) pairs.
        galleries: (caption, [(path, label)]) pairs.
        problems: what makes the command fail.
    """

    title: str
    facts: dict = dataclasses.field(default_factory=dict)
    text: list = dataclasses.field(default_factory=list)
    tables: list = dataclasses.field(default_factory=list)
    plots: list = dataclasses.field(default_factory=list)
    galleries: list = dataclasses.field(default_factory=list)
    problems: list = dataclasses.field(default_factory=list)


NO_MANIFEST = "The directory has no manifest.jsonl, so this cannot be said."


def quantiles(values):
    """Dict of min, 1, 5, 25, 50, 75, 95, 99 % and max, rounded to four digits."""
    if not len(values):
        return {}
    names = ("min", "1%", "5%", "25%", "median", "75%", "95%", "99%", "max")
    points = np.percentile(np.asarray(values, float), [0, 1, 5, 25, 50, 75, 95, 99, 100])
    return {name: short(point) for name, point in zip(names, points, strict=True)}


def quantile_table(caption, columns):
    """A table of quantiles: `columns` is a dict of name to values."""
    rows = {name: quantiles(values) for name, values in columns.items()}
    header = ["", *next(iter(rows.values()), {})]
    return caption, header, [[name, *row.values()] for name, row in rows.items()]


def short(value):
    """A float with four significant digits."""
    return float(f"{value:.4g}")


def evenness(counts):
    """Normalised entropy of counts: 1 when all are equal."""
    shares = np.array([n for n in counts if n > 0], float)
    if len(shares) < 2:
        return 1.0
    shares /= shares.sum()
    return short(-(shares * np.log(shares)).sum() / np.log(len(shares)))


def gini(counts):
    """Gini coefficient of counts: 0 when all are equal."""
    ranked = np.sort(np.asarray(counts, float))
    if not len(ranked) or not ranked.sum():
        return 0.0
    rank = np.arange(1, len(ranked) + 1)
    return short((2 * rank - len(ranked) - 1) @ ranked / (len(ranked) * ranked.sum()))


def worst(rows, key, count=16, largest=True):
    """The extreme rows as gallery entries (path, value)."""
    ranked = sorted(rows, key=lambda row: (-row[key] if largest else row[key], row["path"]))
    return [(row["path"], f"{row[key]:.3g}") for row in ranked[:count]]
