"""Limits, what comes next, and credits."""

from kinpaint.evaluation.pages import LABELS, MEASURES
from kinpaint.reporting import wording
from kinpaint.reporting.blocks import Section, Slide, Text
from kinpaint.reporting.sections.errors import COMPLEXITY, relations
from kinpaint.reporting.texts import bullets_of, own

_WIDER = "A network that sees further, or fills from coarse to fine, is to be tried."
_TEXTURE = "Losses that reward texture, and more photographs of that kind, are to be tried."
_REMEDIES = {
    MEASURES["hole_fraction"]: _WIDER,
    MEASURES["hole_width"]: _WIDER,
    MEASURES["at_border"]: _WIDER,
    MEASURES["edge_density"]: _TEXTURE,
    MEASURES["contrast"]: _TEXTURE,
    COMPLEXITY: _TEXTURE,
}
_FEW = 300  # pictures below which intervals of subgroups say little


def limits(inputs):
    """The person's own, or what the figures themselves show to be narrow."""
    facts = _limits(inputs)
    blocks = own(inputs, "limits") or [Text(facts, kind="list")]
    said = bullets_of(inputs, "limits") or facts
    return Section("limits", "Limits", blocks, [Slide("Limits", said[:5])])


def next_steps(inputs):
    """The person's own, or where the figures say that the most is to be gained."""
    facts = _next(inputs)
    blocks = own(inputs, "next") or [Text(facts, kind="list")]
    said = bullets_of(inputs, "next") or facts
    return Section("next", "What next", blocks, [Slide("What next", said[:5])])


def credits(inputs):  # noqa: A001  the chapter's name
    """Who made what is shown."""
    lines = list(inputs.credits) or ["No photograph is shown."]
    return Section("credits", "Credits", [*own(inputs, "credits"), Text(lines, kind="list")])


def _limits(inputs):
    main = inputs.main
    said = [
        f"Scored on {wording.names(_counts(inputs))}. The intervals are over pictures; they "
        f"say nothing about other photographs than these or about other seeds of training.",
    ]
    if main.scored < _FEW:
        said.append(f"With {main.scored} pictures the intervals within classes are wide.")
    if inputs.runs:
        said.append(_budgets(inputs.runs))
    single = [
        name
        for study in inputs.ablations
        for name, variant in study.variants.items()
        if len(variant["seeds"]) == 1
    ]
    if single:
        told = wording.names(single)
        said.append(f"Trained once only, so differences may be a seed's luck: {told}.")
    if unseen := _unseen(inputs):
        said.append(unseen)
    missing = [m for m in LABELS if m not in main.metrics and "lpips" in m]
    if missing:
        said.append(f"Not measured: {wording.names(map(wording.label, missing))}.")
    if warning := main.figures["sets"]["warning"]:
        said.append(f"{main.label}: {warning}.")
    return said


def _counts(inputs):
    return [f"{e.scored:,} pictures ({e.label})" for e in inputs.evaluations]


def _budgets(runs):
    minutes = [run.cpu_minutes or 0.0 for run in runs]
    told = f"Trained for {min(minutes):.0f} to {max(minutes):.0f} minutes of CPU time each"
    if min(minutes) == max(minutes):
        told = f"Trained for {minutes[0]:.0f} minutes of CPU time"
    unfinished = [run.name for run in runs if run.on_the_way]
    end = f"; not finished: {wording.names(unfinished)}" if unfinished else ""
    return f"{told}, at {wording.names(_sizes(runs))} px{end}."


def _sizes(runs):
    return sorted({run.flags["image_size"] for run in runs}, key=int)


def _unseen(inputs):
    """Evaluations at sizes that no given run was trained at."""
    trained = {int(run.flags["image_size"]) for run in inputs.runs}
    other = [e for e in inputs.evaluations if e.setting("image_size") not in trained]
    if not trained or not other:
        return ""
    told = wording.names(f"{e.label} ({e.setting('image_size')} px)" for e in other)
    return f"Scored at sizes that no run was trained at: {told}."


def _next(inputs):
    main = inputs.main
    name = main.best(main.learned or main.names, main.rank_by)
    related = {
        k: e["rank_correlation"]
        for k, e in relations(inputs, main, name).items()
        if e["rank_correlation"] is not None
    }
    said = []
    if related:
        top = max(related, key=related.get)
        told = f"{top} (rank correlation {related[top]:+.2f})"
        said.append(f"The error of {name} rises most with: {told}. {_REMEDIES[top]}")
    improving = [run.name for run in inputs.runs if _improving(run)]
    if improving:
        said.append(
            f"The last validation was the best one of {wording.names(improving)}: "
            f"longer training is the first thing to try."
        )
    if len(main.learned) > 1 and not inputs.ablations:
        said.append("Ablations with several seeds would tell what the differences come from.")
    return said or ["More photographs, more seeds, longer training."]


def _improving(run):
    scores = [score for _, _, score in run.validations()]
    return len(scores) > 2 and scores[-1] == max(scores)
