"""What kinpaint.explain found out about how fillings come about."""

from kinpaint.evaluation.pages import number
from kinpaint.reporting import wording
from kinpaint.reporting.blocks import Cell, Pictures, Section, Slide, Table, Text
from kinpaint.reporting.explanations import OTHER_PHOTOS
from kinpaint.reporting.texts import bullets_of, own

_MOST = 24  # figures of one explanation in the report
_TOLD = ("attention", "dependence", "gates", "errors")  # the slide's figure: the first there is
_LEFT_OUT = (
    f"Figures of photos that may not be shown are left out, and of {OTHER_PHOTOS[0]} "
    f"training patches all."
)


def interpretation(inputs):
    """The explanations' figures and numbers; None when there is neither these nor a text."""
    blocks, said, shown = own(inputs, "interpretation"), [], []
    for explanation in inputs.explanations:
        measures = explanation.measures()
        figures = list(explanation.figures(inputs.may_show))
        photos = wording.count(len(explanation.pictures), "picture")
        if measures:
            blocks.append(_table(f"{explanation.name}: means over {photos}.", measures))
        blocks += [_figure(explanation, *figure) for figure in figures[:_MOST]]
        said += [f"{what}: {number(_mean(values))}" for what, values in measures.items()]
        shown += [(figure[1], _figure(explanation, *figure)) for figure in figures]
    if not blocks:
        return None
    if inputs.explanations:
        blocks.append(Text([_LEFT_OUT]))
    bullets = bullets_of(inputs, "interpretation") or said
    slide = Slide("Interpretation", bullets[:4], _exhibit(shown))
    return Section("interpretation", "Interpretation", blocks, [slide])


def _exhibit(shown):
    for wanted in _TOLD:
        for section, figure in shown:
            if section == wanted:
                return figure
    return shown[0][1] if shown else None


def _figure(explanation, name, section, picture):
    return Pictures(f"{explanation.name}: {name}, {section}", [""], [("", [picture])])


def _table(caption, measures):
    rows = [
        [Cell(what), Cell(number(_mean(v))), Cell(number(min(v))), Cell(number(max(v)))]
        for what, v in measures.items()
    ]
    return Table(caption, ["measure", "mean", "lowest", "highest"], rows)


def _mean(values):
    return sum(values) / len(values)
