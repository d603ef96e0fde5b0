"""The summary, the problem, and the settings behind the figures."""

from kinpaint.reporting import ladder, wording
from kinpaint.reporting.blocks import Cell, Section, Slide, Table, Text
from kinpaint.reporting.grids import grid
from kinpaint.reporting.sections.results import headline
from kinpaint.reporting.texts import own

_PROBLEM = (
    "A photograph has a hole: an object taken out, a scratch, a damaged part. "
    "Fill it so that nobody sees where it was, and leave every other pixel as it is."
)
_MEASURE = (
    "What is right inside the hole is never unique, so closeness to the truth (PSNR, in dB, "
    "higher is better) is read together with likeness to the eye (LPIPS, lower is better)."
)
_FIRST_ROWS = 3


def summary(inputs):
    """What was found, what the report rests on, and what is not in it."""
    found = [sentence for e in inputs.evaluations for sentence in headline(e)]
    if rungs := ladder.find(inputs):
        found.append(rungs.sentences()[0])
    blocks = [*own(inputs, "summary"), Text(found, kind="list")]
    if inputs.missing:
        left = f"Left out, because it was not given: {'; '.join(inputs.missing)}."
        blocks.append(Text([left], kind="warning"))
    return Section("summary", "Summary", blocks)


def problem(inputs):
    """The task, how it is measured, and a few holes to look at."""
    blocks = own(inputs, "problem") or [Text([_PROBLEM]), Text([_MEASURE])]
    shown = grid(inputs, inputs.main, _FIRST_ROWS)
    main = inputs.main
    models = wording.count(len(main.learned), "trained model")
    classical = wording.count(len(main.classical), "classical method")
    subtitle = f"{models} and {classical} on {main.scored:,} pictures with fixed holes"
    slide = Slide(inputs.title, [subtitle, _PROBLEM], shown, opening=True)
    return Section("problem", "Problem", [*blocks, *([shown] if shown else [])], [slide])


def settings(inputs):
    """How each evaluation was made, so that it can be made again."""
    rows = [
        [Cell(f"{e.label}: {name}"), Cell(str(value))]
        for e in inputs.evaluations
        for name, value in _flat(e.figures["settings"])
    ]
    caption = "Settings of the evaluations; a model's fingerprint changes with its weights."
    return Section("settings", "Settings", [Table(caption, ["setting", "value"], rows)])


def _flat(settings):
    for name, value in settings.items():
        if isinstance(value, dict):
            for inner, text in value.items():
                told = f"fingerprint {text['fingerprint']}" if isinstance(text, dict) else text
                yield f"{name}, {inner}", told
        elif value not in ("", 0, False):
            yield name, value.rpartition("/")[2] if name in ("data_dir", "holes") else value
