"""The scores: the ladder, a table an evaluation, comparisons with the classical methods."""

from kinpaint.evaluation.pages import best, number
from kinpaint.reporting import charts, ladder, wording
from kinpaint.reporting.blocks import Cell, Chart, Section, Slide, Table, Text
from kinpaint.reporting.texts import own

_SLIDE_METRICS = 3


def climb(inputs):
    """The ladder from simple to elaborate networks; None without two of them."""
    rungs = ladder.find(inputs)
    if not rungs:
        return None
    entries = {rung.name: rung.entry for rung in rungs.rungs}
    chart = Chart(
        f"{wording.plain_label(rungs.metric)} of each rung ({rungs.where}).",
        charts.intervals(entries, rungs.metric, rungs.reference, rising=True),
    )
    conclusion, *steps = rungs.sentences()
    blocks = [
        *own(inputs, "ladder"),
        Text([conclusion]),
        chart,
        Text(steps, kind="list"),
        Text(["Each step is the paired difference over the same pictures, 95 % interval."]),
    ]
    slide = Slide("The ladder", [conclusion, *steps][:5], chart)
    return Section("ladder", "The ladder", blocks, [slide])


def results(inputs):
    """Every evaluation's table with intervals."""
    blocks = own(inputs, "results")
    for evaluation in inputs.evaluations:
        blocks += [
            Text(headline(evaluation), kind="list"),
            score_table(evaluation, evaluation.metrics),
            *_comparisons(evaluation),
            *(_by_hole(evaluation, metric) for metric in evaluation.leading),
        ]
    main = inputs.main
    others = [headline(evaluation)[0] for evaluation in inputs.evaluations[1:]]
    said = [*headline(main), *others][:4]
    shown = [*main.leading, *(m for m in main.metrics if m not in main.leading)]
    exhibit = score_table(main, shown[:_SLIDE_METRICS])
    return Section(
        "results", "Results", blocks, [Slide("Results", said, exhibit), _sizes(main)]
    )


def _sizes(evaluation):
    """A slide: the score against the size of the hole."""
    chart = _by_hole(evaluation, evaluation.rank_by)
    return Slide("By size of the hole", _size_sentences(evaluation), chart)


def _by_hole(evaluation, metric):
    return Chart(
        f"{evaluation.label}: {wording.plain_label(metric)} by share of hole.",
        charts.by_hole(evaluation, metric, evaluation.names),
    )


def _ends(evaluation, name):
    """Entries of the smallest and the largest named bucket in which the model has a mean."""
    metric = evaluation.rank_by
    groups = evaluation.figures["buckets"].items()
    found = [
        (bucket, group[name][metric])
        for bucket, group in groups
        if bucket != "other" and group[name][metric]["mean"] is not None
    ]
    return (found[0], found[-1]) if len(found) > 1 else None


def _size_sentences(evaluation):
    said = [f"{evaluation.label}: {evaluation.conditions()}."]
    metric = evaluation.rank_by
    for name in [evaluation.best(evaluation.learned or evaluation.names, metric)]:
        if ends := _ends(evaluation, name):
            (small, low), (large, high) = ends
            said.append(
                f"{name}: {wording.score(metric, low)} where {small} of the picture is hole, "
                f"{wording.score(metric, high)} where {large} is."
            )
    said.append("Points are means, bars 95 % intervals over the pictures of each group.")
    return said


def headline(evaluation):
    """The best trained model beside the best classical one, a sentence a leading metric."""
    return [_best_of_both(evaluation, metric) for metric in evaluation.leading]


def _best_of_both(evaluation, metric):
    ours = evaluation.best(evaluation.learned, metric)
    theirs = evaluation.best(evaluation.classical, metric)
    told = [
        f"{word} {name} {wording.score(metric, evaluation.entry(name, metric))}"
        for word, name in (("best trained model", ours), ("best classical method", theirs))
        if name
    ]
    if ours and theirs:
        told.append(_difference(evaluation, ours, theirs, metric))
    return f"{evaluation.label}, {wording.plain_label(metric)}: {'; '.join(told)}."


def _difference(evaluation, ours, theirs, metric):
    pair = evaluation.pair(ours, theirs, metric)
    way = ladder.verdict(pair, metric)
    if way == "open":
        told = f"{wording.value(metric, pair['mean'])} {wording.interval(metric, pair['ci95'])}"
        return f"not told apart, difference {told}"
    mean, ci95 = abs(pair["mean"]), sorted(map(abs, pair["ci95"]))
    told = f"{wording.value(metric, mean)} {wording.interval(metric, ci95)}"
    return f"{ours} is {way} by {told}"


def score_table(evaluation, metrics):
    """Means with intervals, a row a model; the best of each column marked."""
    models = evaluation.figures["models"]
    top = best(models, metrics)
    rows = [
        [Cell(name), *(_cell(models[name][m], name in top.get(m, ())) for m in metrics)]
        for name in evaluation.names
    ]
    header = ["model", *(f"{wording.label(m)} {wording.arrow(m)}".strip() for m in metrics)]
    caption = f"{evaluation.label}: {evaluation.conditions()}; means, 95 % intervals."
    return Table(caption, header, rows)


def _cell(entry, is_best):
    low_high = entry.get("ci95")
    small = f"{number(low_high[0])} … {number(low_high[1])}" if low_high else ""
    return Cell(number(entry["mean"]), small, is_best)


def _comparisons(evaluation):
    """Each trained model against the best classical method, paired."""
    tables = []
    for metric in evaluation.leading:
        theirs = evaluation.best(evaluation.classical, metric)
        rows = [
            [
                Cell(name),
                _cell(pair, False),
                Cell(f"{pair['better']} / {pair['worse']} / {pair['ties']}"),
                Cell(wording.chance(pair["p_sign"])),
            ]
            for name in evaluation.learned
            if theirs and (pair := evaluation.pair(name, theirs, metric))
        ]
        if rows:
            caption = f"{wording.label(metric)}: difference to {theirs} on the same pictures."
            header = ["model", "difference", "better / worse / equal", "p (sign test)"]
            tables.append(Table(caption, header, rows))
    return tables
