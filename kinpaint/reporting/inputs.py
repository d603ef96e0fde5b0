"""Everything that a report is made from, read and checked; and what is not there, by name."""

import dataclasses
import fnmatch
import json
import pathlib
from typing import Any

from kinpaint.reporting.ablations import Ablation
from kinpaint.reporting.blocks import Film
from kinpaint.reporting.evaluations import Evaluation
from kinpaint.reporting.explanations import Explanation
from kinpaint.reporting.runs import Run, film
from pipelines.base.errors import UserError

_GIVES = {
    "run": "training curves and settings",
    "ablation": "ablations",
    "explore": "the data's statistics",
    "explain": "what a filling depends on",
    "story": "the animation of training",
    "show": "pictures",
}


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What the sections read.

    Attributes:
        evaluations, runs, ablations, explanations: in the order given.
        exploration: {title of a section: facts} of pipelines.explore, or {}.
        photos_csv: its table of photos, or None.
        story: the `Film`, or None.
        texts: {section's key: Markdown}.
        show: patterns of file names that may be shown.
        credits: lines.
        title: of the report.
        missing: what was not given and is left out, as sentences.
    """

    evaluations: list
    runs: list
    ablations: list
    explanations: list
    exploration: dict
    photos_csv: Any
    story: Film | None
    texts: dict
    show: tuple
    credits: tuple
    title: str
    missing: list

    @property
    def main(self):
        """The evaluation that the report is about first."""
        return self.evaluations[0]

    def may_show(self, path):
        """Whether the photo's file name is one that may be shown."""
        name = pathlib.PurePath(path).name
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.show)


def gather(options):
    """Reads everything that `ReportOptions` name.

    Raises:
        UserError: nothing was scored, a directory is not what it should be, or pictures
            are to be shown without a credit.
    """
    if not options.out_dir:
        raise UserError("say where the report goes: --out_dir=DIR")
    if (options.show or options.story) and not options.credit:
        raise UserError("--show and --story want --credit: who made the photos, which licence")
    ablations = [Ablation(path) for path in options.ablation]
    specs = options.eval or [
        f"{study.name}={study.scores_dir}" for study in ablations if study.scores_dir
    ]
    if not specs:
        raise UserError("nothing was scored: give --eval=DIR, as written by kinpaint.eval")
    return Inputs(
        evaluations=_distinct([Evaluation(spec) for spec in specs]),
        runs=[Run(path) for path in options.run],
        ablations=ablations,
        explanations=[Explanation(path) for path in options.explain],
        exploration=_exploration(options.explore),
        photos_csv=_photos_csv(options.explore),
        story=film(Run(options.story)) if options.story else None,
        texts=_texts(options.text),
        show=options.show,
        credits=options.credit,
        title=options.title,
        missing=[
            f"{what} (no --{flag})"
            for flag, what in _GIVES.items()
            if not getattr(options, flag)
        ],
    )


def _distinct(evaluations):
    labels = [evaluation.label for evaluation in evaluations]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"two --eval are called {twice[0]}: put label= in front of one of them")
    return evaluations


def _exploration(directory):
    """Facts by title, the numbers in front of the titles taken off."""
    if not directory:
        return {}
    path = pathlib.Path(directory) / "report.json"
    try:
        facts = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}; run pipelines.explore") from error
    return {title.lstrip("0123456789 "): fact for title, fact in facts.items()}


def _photos_csv(directory):
    path = pathlib.Path(directory) / "photos.csv"
    return path if directory and path.is_file() else None


def _texts(directory):
    if not directory:
        return {}
    if not pathlib.Path(directory).is_dir():
        raise UserError(f"--text={directory} is no folder")
    files = sorted(pathlib.Path(directory).glob("*.md"))
    return {path.stem: path.read_text(encoding="utf-8") for path in files}
