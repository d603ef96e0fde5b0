"""What kinpaint.explain found out about how fillings come about."""

from kinpaint.reporting.blocks import Pictures, Section, Slide, Text
from kinpaint.reporting.texts import bullets_of, own

_MOST = 24  # figures of one explanation in the report
_ROWS = 2


def interpretation(inputs):
    """The explanations' figures and numbers; None when there is neither these nor a text."""
    blocks, said, exhibit = own(inputs, "interpretation"), [], None
    for explanation in inputs.explanations:
        sentences = explanation.sentences()
        said += [f"{explanation.name}: {sentence}" for sentence in sentences]
        figures = explanation.figures(inputs.may_show)
        if sentences:
            blocks.append(Text([f"{explanation.name}: {s}" for s in sentences], listed=True))
        for name, picture in figures[:_MOST]:
            blocks.append(Pictures(f"{explanation.name}: {name}", [""], [("", [picture])]))
        if figures and not exhibit:
            name, picture = figures[0]
            exhibit = Pictures(f"{explanation.name}: {name}", [""], [("", [picture])])
    if not blocks:
        return None
    bullets = bullets_of(inputs, "interpretation") or said
    slide = Slide("Interpretation", bullets[:5], exhibit)
    return Section("interpretation", "Interpretation", blocks, [slide])
