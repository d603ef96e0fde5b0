"""Curves over training, and the fixed pictures as they improve."""

from kinpaint.reporting import charts
from kinpaint.reporting.blocks import Chart, Section, Slide, Text
from kinpaint.reporting.texts import own

_SCORE = "PSNR in the hole, dB (validation pictures)"
_ACROSS = "process CPU time, minutes"


def training(inputs):
    """The validation curves of the runs and the film; None without both."""
    lines = {
        run.name: [(minutes, score) for _, minutes, score in run.validations()]
        for run in inputs.runs
    }
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    blocks, slides = own(inputs, "training"), []
    if lines:
        chart = Chart(
            "Raw weights on each run's own validation pictures: runs of different size or "
            "holes are not to be compared with each other.",
            charts.curves(lines, _ACROSS, _SCORE),
        )
        said = [_progress(name, points) for name, points in lines.items()]
        blocks += [Text(said, kind="list"), chart]
        slides.append(Slide("Training", said[:5], chart))
    if inputs.story:
        blocks.append(inputs.story)
        said = [inputs.story.caption]
        slides = [Slide("The same pictures during training", said, inputs.story)]
    return Section("training", "Training", blocks, slides) if slides else None


def _progress(name, points):
    (_, first), (minutes, last) = points[0], points[-1]
    peak = max(score for _, score in points)
    return (
        f"{name}: from {first:.2f} dB at the first validation to {last:.2f} dB after "
        f"{minutes:.1f} minutes of CPU time; best {peak:.2f} dB."
    )
