"""Which networks were trained on what with which losses: facts from flags and docstrings."""

import inspect
import json
import pathlib

from kinpaint.evaluation import contestants
from kinpaint.reporting import wording
from kinpaint.reporting.blocks import Cell, Section, Slide, Table, Text
from kinpaint.reporting.runs import network_of, read_flags
from kinpaint.reporting.texts import bullets_of, own
from pipelines import terms

_COLUMNS = {
    "model": "network",
    "discriminator": "discriminator",
    "losses": "losses",
    "image_size": "px",
    "masks": "holes",
    "batch_size": "batch",
    "learning_rate": "rate",
    "precision": "precision",
    "seed": "seed",
}


def method(inputs):
    """A line about each network, the common rules, and a table of the runs."""
    networks = [f"{name}: {_about(name)}" for name in _networks(inputs)]
    rules = _rules(inputs)
    blocks = [*own(inputs, "method"), Text(rules), Text(networks, kind="list")]
    if inputs.runs:
        blocks.append(_run_table(inputs.runs))
    said = bullets_of(inputs, "method") or [*rules[:2], *networks]
    exhibit = _short_table(inputs.runs) if inputs.runs else None
    return Section("method", "Method", blocks, [Slide("Method", said[:5], exhibit)])


def _networks(inputs):
    """Names of every architecture that can be found, in the registry's order."""
    from kinpaint.models import MODELS

    found = {run.network for run in inputs.runs}
    for study in inputs.ablations:
        found |= {study.network(name) for name in study.variants}
    for evaluation in inputs.evaluations:
        found |= {network_behind(evaluation.source(name)) for name in evaluation.learned}
    return [name for name in MODELS if name in found]


def network_behind(source):
    """Architecture of a run directory or an export; None when its files are not there."""
    path = pathlib.Path(contestants.place(source)[0])
    if (path / "flags.txt").is_file():
        return network_of(read_flags(path))
    cards = sorted(path.glob("model_card.json")) or sorted(path.glob("*/model_card.json"))
    return json.loads(cards[-1].read_text()).get("model") if cards else None


def _about(name):
    """First paragraphs of the docstrings of the network's module and class."""
    from kinpaint.models import MODELS

    network = MODELS[name]
    first = (inspect.getdoc(x).split("\n\n")[0] for x in (inspect.getmodule(network), network))
    return " ".join(" ".join(first).split()).replace("`", "")


def _rules(inputs):
    said = [
        "Every network gets the picture with an empty hole and the hole's mask; "
        "known pixels are pasted back bit for bit."
    ]
    if any("pull_push" in run.flags["model"] for run in inputs.runs):
        said.append(
            "With fill=pull_push the hole is first filled classically (a pyramid of means) "
            "and the network learns to correct that."
        )
    if inputs.runs:
        losses = sorted({t.name for r in inputs.runs for t in terms.parse(r.flags["losses"])})
        discriminators = sorted(
            {run.flags.get("discriminator", "none") for run in inputs.runs} - {"none"}
        )
        against = (
            f"; discriminators: {wording.names(discriminators)}"
            if discriminators
            else "; no discriminator"
        )
        said.append(f"Losses: {wording.names(losses)}{against}.")
    return said


def _run_table(runs):
    header = ["run", *_COLUMNS.values(), "steps", "CPU minutes"]
    rows = [
        [
            Cell(run.name),
            *(Cell(run.flags.get(flag, "–")) for flag in _COLUMNS),
            Cell(f"{run.step:,}", "still training" if run.on_the_way else ""),
            Cell("–" if run.cpu_minutes is None else f"{run.cpu_minutes:.1f}"),
        ]
        for run in runs
    ]
    return Table("Runs: what they were told, and how long they trained.", header, rows)


def _short_table(runs):
    rows = [
        [
            Cell(run.name),
            Cell(run.flags["model"]),
            Cell(f"{run.step:,}", "still training" if run.on_the_way else ""),
            Cell("–" if run.cpu_minutes is None else f"{run.cpu_minutes:.0f}"),
        ]
        for run in runs[:8]
    ]
    return Table("Runs.", ["run", "network", "steps", "CPU min"], rows)
