"""What the pictures are, from pipelines.explore where it was run, else from the scores."""

from kinpaint.reporting import charts, wording
from kinpaint.reporting.blocks import Cell, Chart, Section, Slide, Table, Text
from kinpaint.reporting.texts import bullets_of, own

_SPLITS = ("train", "val", "test")
_QUANTILES = ("5%", "median", "95%")


def data(inputs):
    """Counts by class and split, sizes, problems; the scored pictures and their holes."""
    totals, balance = (inputs.exploration.get(k, {}) for k in ("Totals", "Balance"))
    sentences = [*_explored(totals, inputs.exploration), *_scored(inputs)]
    blocks = [*own(inputs, "data"), Text(sentences)]
    exhibit = None
    if splits := balance.get("splits"):
        blocks.append(_class_table(splits))
        exhibit = _class_chart(splits)
    else:
        exhibit = _scored_chart(inputs.main)
    blocks.append(exhibit)
    if table := _size_table(inputs.exploration):
        blocks.append(table)
    said = bullets_of(inputs, "data") or sentences
    return Section("data", "Data", blocks, [Slide("Data", said[:5], exhibit)])


def _explored(totals, exploration):
    said = []
    if "files" in totals:
        size = f" ({totals['bytes'] / 1e6:,.0f} MB)" if "bytes" in totals else ""
        said.append(f"{totals['files']:,} photographs{size} were explored.")
    duplicates = exploration.get("Duplicates", {})
    found = [
        wording.count(len(facts[key]), words)
        for facts, key, words in (
            (totals, "unreadable", "unreadable file"),
            (totals, "checksum_mismatches", "wrong checksum"),
            (duplicates, "near_pairs", "near duplicate"),
            (duplicates, "leaks_between_splits", "cross-split duplicate"),
        )
        if key in facts
    ]
    return [*said, *([f"Found: {wording.names(found)}."] if found else [])]


def _scored(inputs):
    said = []
    for e in inputs.evaluations:
        classes = wording.names(f"{n:,} {name}" for name, n in _class_counts(e).items())
        said.append(
            f"{e.label}: {e.scored:,} pictures of the split {e.setting('split')} were scored "
            f"at {e.setting('image_size')} px ({classes}), holes {e.setting('masks')}."
        )
    return said


def _class_counts(evaluation):
    """{class: pictures that were scored}."""
    name, metric = evaluation.names[0], evaluation.metrics[0]
    return {c: group[name][metric]["n"] for c, group in evaluation.figures["classes"].items()}


def _class_table(splits):
    names = [s for s in _SPLITS if any(s in counts for counts in splits.values())]
    rows = [
        [Cell(label), *(Cell(f"{counts.get(name, 0):,}") for name in names)]
        for label, counts in splits.items()
    ]
    return Table("Photographs of each class by split.", ["class", *names], rows)


def _class_chart(splits):
    ordered = {
        label: {name: counts[name] for name in _SPLITS if name in counts}
        for label, counts in splits.items()
    }
    return Chart("Photographs by class and split.", charts.bars(ordered, "", "photographs"))


def _scored_chart(evaluation):
    counts = {label: {"scored": n} for label, n in _class_counts(evaluation).items()}
    caption = f"Scored pictures of {evaluation.label} by class."
    return Chart(caption, charts.bars(counts, "", "pictures"))


def _size_table(exploration):
    geometry = exploration.get("Geometry", {})
    rows = [
        [Cell(name.replace("_", " ")), *(Cell(f"{values[q]:g}") for q in _QUANTILES)]
        for name, values in geometry.items()
        if isinstance(values, dict) and all(q in values for q in _QUANTILES)
    ]
    if not rows:
        return None
    return Table("Sizes of the photographs, pixels.", ["", *_QUANTILES], rows)
