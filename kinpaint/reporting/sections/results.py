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
        f"{wording.label(rungs.metric)} of each rung ({rungs.where}).",
        charts.intervals(entries, rungs.metric, rungs.reference, rising=True),
    )
    conclusion, *steps = rungs.sentences()
    blocks = [
        *own(inputs, "ladder"),
        Text([conclusion]),
        chart,
        Text(steps, listed=True),
        Text(["Each step is the paired difference over the same pictures, 95 % interval."]),
    ]
    slide = Slide("The ladder", [conclusion, *steps][:5], chart)
    return Section("ladder", "The ladder", blocks, [slide])


def results(inputs):
    """Every evaluation's table with intervals."""
    blocks = own(inputs, "results")
    for evaluation in inputs.evaluations:
        blocks += [
            Text(headline(evaluation)),
            score_table(evaluation, evaluation.metrics),
            *_comparisons(evaluation),
        ]
    main = inputs.main
    said = [sentence for e in inputs.evaluations for sentence in headline(e)][:4]
    shown = [*main.leading, *(m for m in main.metrics if m not in main.leading)]
    exhibit = score_table(main, shown[:_SLIDE_METRICS])
    return Section(
        "results", "Results", blocks, [Slide("Results", said, exhibit), _sizes(main)]
    )


def _sizes(evaluation):
    """A slide: the score against the size of the hole."""
    metric = evaluation.rank_by
    chart = Chart(
        f"{wording.label(metric)} by share of hole ({evaluation.label}).",
        charts.by_hole(evaluation, metric, evaluation.names),
    )
    return Slide("Larger holes are harder" if _falls(evaluation) else "Size of the hole",
                 _size_sentences(evaluation), chart)  # fmt: skip


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


def _falls(evaluation):
    """Whether every model is worse in the largest holes than in the smallest."""
    from kinpaint.metrics.aggregate import higher_is_better

    sign = 1 if higher_is_better(evaluation.rank_by) else -1
    pairs = [ends for name in evaluation.names if (ends := _ends(evaluation, name))]
    return bool(pairs) and all(sign * (a["mean"] - b["mean"]) > 0 for (_, a), (_, b) in pairs)


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
    """The best trained model and the best classical one under each leading metric."""
    said = []
    for metric in evaluation.leading:
        ours = evaluation.best(evaluation.learned, metric)
        theirs = evaluation.best(evaluation.classical, metric)
        where = f"{evaluation.label} ({evaluation.conditions()})"
        if ours:
            told = wording.score(metric, evaluation.entry(ours, metric))
            said.append(f"{where}: the best trained model in {_in(metric)} is {ours}, {told}.")
        if theirs:
            told = wording.score(metric, evaluation.entry(theirs, metric))
            said.append(f"The best classical method in {_in(metric)} is {theirs}, {told}.")
        if ours and theirs:
            said[-2:] = [
                f"{said[-2]} {said[-1]} {_difference(evaluation, ours, theirs, metric)}"
            ]
    return said


def _in(metric):
    return wording.plain_label(metric)


def _difference(evaluation, ours, theirs, metric):
    pair = evaluation.pair(ours, theirs, metric)
    words = {
        "better": f"{ours} is better by",
        "worse": f"{ours} is worse by",
        "open": "The interval of the difference holds zero:",
    }[ladder.verdict(pair, metric)]
    mean = pair["mean"] if words.startswith("The") else abs(pair["mean"])
    ci95 = pair["ci95"] if words.startswith("The") else _absolute(pair["ci95"])
    return f"{words} {wording.value(metric, mean)} {wording.interval(ci95)}."


def _absolute(ci95):
    return sorted(map(abs, ci95)) if ci95 else None


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
