"""Where the best model fails: classes, hole and picture sizes, measures, extremes."""

import csv

import numpy as np

from kinpaint.evaluation.analysis import relation
from kinpaint.evaluation.pages import MEASURES, number
from kinpaint.reporting import charts, wording
from kinpaint.reporting.blocks import Cell, Chart, Section, Slide, Table, Text
from kinpaint.reporting.grids import grid_of
from kinpaint.reporting.texts import bullets_of, own

_SHOWN = 6
COMPLEXITY = "complexity of the whole photo"


def errors(inputs):
    """Error analysis of the main evaluation; other sizes beside it."""
    main = inputs.main
    name = main.best(main.learned or main.names, main.rank_by)
    related = relations(inputs, main, name)
    said = [*_strongest(main, name, related), *_extremes(main, name)]
    distance = Chart(
        f"{main.label}: error by distance to the nearest known pixel.",
        charts.by_distance(main, main.names),
    )
    blocks = [
        *own(inputs, "error_analysis"),
        Text(said, kind="list"),
        _groups(main, "classes", "class"),
        _groups(main, "buckets", "share of hole"),
        _groups(main, "families", "family of holes"),
        *([_sizes(inputs)] if len(inputs.evaluations) > 1 else []),
        distance,
        _relations_table(main, name, related),
        *_listed(inputs, main, name),
    ]
    bullets = bullets_of(inputs, "error_analysis") or said
    slide = Slide("Where it fails", bullets[:5], distance)
    return Section("error_analysis", "Error analysis", blocks, [slide])


def relations(inputs, evaluation, name):
    """{measure in words: {"rank_correlation", "thirds"}} of a model's ranking metric."""
    found = evaluation.figures["errors"][name]["measures"]
    related = {MEASURES[measure]: entry for measure, entry in found.items()}
    complexity = _complexity(inputs)
    known = np.array([complexity.get(image, np.nan) for image in evaluation.images])
    here = np.isfinite(known)
    if here.any():
        values = evaluation.scores[name][evaluation.rank_by]
        related[COMPLEXITY] = relation(known[here], values[here], evaluation.rank_by)
    return related


def _complexity(inputs):
    """{photo: complexity} of pipelines.explore."""
    if not inputs.photos_csv:
        return {}
    with open(inputs.photos_csv, newline="", encoding="utf-8") as file:
        return {
            row["path"]: float(row["complexity"])
            for row in csv.DictReader(file)
            if row.get("complexity")
        }


def _strongest(evaluation, name, related):
    known = {k: e for k, e in related.items() if e["rank_correlation"] is not None}
    if not known:
        return [f"No measure of the pictures varies enough to explain the error of {name}."]
    ordered = sorted(known, key=lambda k: -abs(known[k]["rank_correlation"]))
    told = wording.names(f"{k} ({known[k]['rank_correlation']:+.2f})" for k in ordered[:3])
    metric = wording.plain_label(evaluation.rank_by)
    return [
        f"{name} ({evaluation.label}): rank correlations of a bad {metric}: {told}.",
        "A correlation is a description of these pictures and no cause.",
    ]


def _extremes(evaluation, name):
    """The best and the worst class and bucket."""
    said = []
    metric = evaluation.rank_by
    for key, word in (("classes", "class"), ("buckets", "share of hole")):
        groups = {g: m[name][metric] for g, m in evaluation.figures[key].items()}
        known = {g: e for g, e in groups.items() if e["mean"] is not None}
        if len(known) > 1:
            low = min(known, key=lambda g: known[g]["mean"])
            high = max(known, key=lambda g: known[g]["mean"])
            said.append(
                f"By {word}: from {wording.score(metric, known[low])} ({low}) "
                f"to {wording.score(metric, known[high])} ({high})."
            )
    return said


def _groups(evaluation, key, word):
    """Means by group, a column a group."""
    groups, metric = evaluation.figures[key], evaluation.rank_by
    rows = [
        [Cell(name), *(_entry(models[name][metric]) for models in groups.values())]
        for name in evaluation.names
    ]
    caption = f"{evaluation.label}: {wording.label(metric)} by {word}."
    return Table(caption, ["model", *groups], rows)


def _sizes(inputs):
    """Each model over the evaluations, which differ in size, holes or pictures."""
    names = list(dict.fromkeys(n for e in inputs.evaluations for n in e.names))
    rows = [[Cell(name), *(_of(e, name) for e in inputs.evaluations)] for name in names]
    header = [
        f"{e.label}: {e.setting('image_size')} px, n = {e.scored}" for e in inputs.evaluations
    ]
    caption = "By size of the picture. Holes and pictures differ too: see the settings."
    return Table(caption, ["model", *header], rows)


def _of(evaluation, name):
    known = name in evaluation.names
    return _entry(evaluation.entry(name, evaluation.rank_by)) if known else Cell("–")


def _entry(entry):
    small = (
        "" if not entry["ci95"] else f"{number(entry['ci95'][0])} … {number(entry['ci95'][1])}"
    )
    return Cell(number(entry["mean"]), f"{small} n={entry['n']}".strip())


def _relations_table(evaluation, name, related):
    rows = [
        [
            Cell(measure),
            Cell("–" if e["rank_correlation"] is None else f"{e['rank_correlation']:+.2f}"),
            *(Cell(number(third)) for third in e["thirds"] or (None,) * 3),
        ]
        for measure, e in related.items()
    ]
    told = wording.plain_label(evaluation.rank_by)
    caption = (
        f"{name}: how {told} worsens with measures of the true picture (Spearman's rank "
        f"correlation, +1: always worse with more), and its mean over pictures with low, "
        f"middle and high values."
    )
    return Table(caption, ["measure", "correlation", "low", "middle", "high"], rows)


def _listed(inputs, evaluation, name):
    """The worst pictures by name, and worst and best as pictures where they may be shown."""
    found = evaluation.figures["errors"][name]
    rows = [
        [Cell(w["image"]), Cell(number(w["value"])), Cell(_reasons(w["reasons"]))]
        for w in found["worst"][:_SHOWN]
    ]
    header = ["picture", wording.label(evaluation.rank_by), "stands out in"]
    blocks = [Table(f"{name}: the worst pictures.", header, rows)]
    chosen = {"worst": [w["index"] for w in found["worst"]], "best": found["best"]}
    for word, indices in chosen.items():
        caption = f"{name}: of its {word} pictures those that may be shown."
        if shown := grid_of(inputs, evaluation, indices[:_SHOWN], caption):
            blocks.append(shown)
    return blocks


def _reasons(reasons):
    told = [f"{MEASURES[r['measure']]} (above {r['percentile']:.0f} %)" for r in reasons]
    return "; ".join(told) or "nothing measured"
