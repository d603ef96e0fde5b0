"""What each change to the base does to the scores, and what it costs."""

from kinpaint.evaluation.pages import number
from kinpaint.reporting import charts, ladder, wording
from kinpaint.reporting.blocks import Cell, Chart, Section, Slide, Table, Text
from kinpaint.reporting.texts import own


def ablations(inputs):
    """Every study's table and chart; None without any."""
    if not inputs.ablations:
        return None
    blocks, said, exhibit = own(inputs, "ablations"), [], None
    for study in inputs.ablations:
        sentences, chart = _sentences(study), _chart(study)
        blocks += [Text(sentences, kind="list"), _table(study), *filter(None, [chart])]
        said += sentences[:5] if not said else sentences[:1]
        exhibit = exhibit or chart
        if curves := study.curve():
            blocks.append(_curves(curves, study))
    slide = Slide("Ablations", said[:5], exhibit or _table(inputs.ablations[0]))
    return Section("ablations", "Ablations", blocks, [slide])


def _compared(study):
    """{variant: its difference to the base} for the study's metric."""
    return {
        name: variant["versus_base"][study.metric]
        for name, variant in study.variants.items()
        if (variant.get("versus_base") or {}).get(study.metric)
    }


def _sentences(study):
    """Largest effects first; then who made no difference that can be told."""
    compared = _compared(study)
    lower = study.metric in study.settings.get("lower_is_better", ())
    ordered = sorted(compared, key=lambda n: compared[n]["difference"], reverse=not lower)
    told, open_ = [], []
    for name in ordered:
        entry = compared[name]
        way = ladder.verdict(entry, study.metric)
        figures = (
            f"{wording.value(study.metric, entry['difference'])} "
            f"{wording.interval(study.metric, entry['ci95'])}, p = {wording.chance(entry['p'])}"
        )
        if way == "open":
            open_.append(name)
        else:
            told.append(f"{name} is {way} than {study.base}: {figures}.")
    if open_:
        told.append(f"Not told apart from {study.base}: {wording.names(open_)}.")
    told = told or [f"Only {study.base} was scored in {study.name}."]
    return [*told, *(f"{run} failed: {why}." for run, why in study.failed.items())]


def _chart(study):
    compared = _compared(study)
    if not compared:
        return None
    lower = study.metric in study.settings.get("lower_is_better", ())
    caption = f"{study.name}: paired differences to {study.base}; grey where zero is inside."
    return Chart(caption, charts.differences(compared, study.metric, study.base, lower))


def _table(study):
    metrics = list(next(iter(study.variants.values()))["metrics"])
    wanted = dict.fromkeys([study.metric, "lpips_alex"])
    metrics = [metric for metric in wanted if metric in metrics]
    header = [
        "variant",
        "seeds",
        "parameters",
        "multiply-adds",
        "s a picture",
        "steps",
        "CPU min",
        *(f"{wording.label(m)} {wording.arrow(m)}".strip() for m in metrics),
        f"difference to {study.base}",
        "p",
    ]
    rows = [_row(study, name, metrics) for name in study.variants]
    caption = (
        f"{study.name}: {study.settings['image_size']} px, holes {study.settings['masks']}; "
        f"means and differences with 95 % intervals over pictures."
    )
    return Table(caption, header, rows)


def _row(study, name, metrics):
    variant = study.variants[name]
    own_flags = " ".join(variant["flags"])
    versus = (variant.get("versus_base") or {}).get(study.metric)
    return [
        Cell(name, own_flags),
        Cell(str(len(variant["seeds"]))),
        Cell(wording.thousands(variant["parameters"])),
        Cell(wording.thousands(variant["multiply_adds"])),
        Cell(number(variant["seconds_per_image"])),
        Cell(f"{variant['steps']:,}"),
        Cell(f"{variant['cpu_minutes']:.1f}"),
        *(_entry(variant["metrics"].get(metric)) for metric in metrics),
        Cell("base")
        if name == study.base
        else _entry(versus and {**versus, "mean": versus["difference"]}),
        Cell("" if not versus else wording.chance(versus["p"])),
    ]


def _entry(entry):
    if not entry or entry["mean"] is None:
        return Cell("–")
    low_high = entry["ci95"]
    small = f"{number(low_high[0])} … {number(low_high[1])}" if low_high else ""
    return Cell(number(entry["mean"]), small)


def _curves(curves, study):
    lines = {
        variant
        if len({s for v, s in curves if v == variant}) == 1
        else f"{variant}, seed {seed}": p
        for (variant, seed), p in curves.items()
    }
    figure = charts.curves(
        lines, "process CPU time, minutes", "PSNR in the hole, dB (validation)"
    )
    return Chart(f"{study.name}: validation over CPU time.", figure)
