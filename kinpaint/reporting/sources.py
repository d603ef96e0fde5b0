"""What a report is made from, read and checked; and what may be shown of it."""

import csv
import dataclasses
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from kinpaint import charts
from kinpaint.blocks import Film
from kinpaint.evaluation import contestants, current
from kinpaint.evaluation.figures import Figures, turned
from kinpaint.evaluation.gallery import MASKED, TRUTH, Gallery
from kinpaint.evaluation.table import ScoreTable
from pipelines import terms
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.showing import Showing

_MOST_FRAMES = 40
OTHER_PHOTOS = ("nearest",)  # sections of explain whose figures show training photographs


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What kinpaint.eval wrote: a directory, or the `metrics.json` of one alone.

    Attributes:
        label: its name in the report.
        figures: a `Figures`.
        dir: the directory; None where only the figures are there.
        table: its `ScoreTable` with the pictures' indices, or None.
        showing: which photographs may be shown.
    """

    label: str
    figures: Figures
    dir: pathlib.Path | None
    table: ScoreTable | None
    showing: Showing

    @property
    def gallery(self):
        """The pictures that were kept."""
        return Gallery(self.dir) if self.dir else None

    def may_show(self, indices):
        """Those of the pictures that are kept and may be shown."""
        if not self.table:
            return []
        pictures = self.table.pictures
        names = dict(zip(pictures["index"], pictures["image"], strict=True))
        kept = [i for i in indices if i in names and self.showing.allows(names[i])]
        return [i for i in kept if all(self.gallery.has(n, i) for n in (MASKED, TRUTH))]


@dataclasses.dataclass(frozen=True)
class Run:
    """What kinpaint.train wrote.

    Attributes:
        label: the model's name in tables.
        dir: the run directory.
        flags: flag -> text, as recorded.
        history: the lines of history.jsonl.
    """

    label: str
    dir: pathlib.Path
    flags: dict
    history: list

    @property
    def network(self):
        """--model as a `terms.Term`."""
        return terms.parse(self.flags["model"], what="--model")[0]

    @property
    def step(self):
        """The last recorded step."""
        return max((line["step"] for line in self.history), default=0)

    @property
    def cpu_minutes(self):
        """Process CPU time; None before the first line."""
        return self.history[-1].get("cpu_minutes") if self.history else None

    def validations(self, score="val_psnr_hole"):
        """(step, CPU minutes, score) of every validation that has the score."""
        rows = [line for line in self.history if line.get(score) is not None]
        return [(row["step"], row.get("cpu_minutes", 0.0), row[score]) for row in rows]

    def film(self):
        """The fixed validation pictures over training, or None where fewer than two were kept.

        A frame has the masked pictures above, the fillings in the middle, the true ones below.
        """
        kept = sorted((self.dir / "pictures").glob("*.png"))
        if len(kept) < 2:
            return None
        kept = kept[:: -(-len(kept) // _MOST_FRAMES)]
        side = int(self.flags["image_size"])
        frames = [_frame(np.asarray(Image.open(p).convert("RGB")), side) for p in kept]
        steps = [int(path.stem) for path in kept]
        known = self.validations()
        said = (
            f" PSNR in the hole over all validation pictures: {_ends(known)}." if known else ""
        )
        return Film(
            f"The same validation pictures while {self.label} trains, from step {steps[0]:,} "
            f"to step {steps[-1]:,}; from above: with holes, filled, true.{said}",
            frames,
            [_label(known, step) for step in steps],
        )


@dataclasses.dataclass(frozen=True)
class Study:
    """What kinpaint.ablate wrote.

    Attributes:
        name: the directory's own name.
        data: what ablation.json holds.
    """

    name: str
    data: dict

    @property
    def variants(self):
        """{name: what ablation.json says of it}."""
        return self.data["variants"]

    @property
    def metric(self):
        """The one that the study is about."""
        return self.data["settings"]["metric"]

    @property
    def base(self):
        """The variant that the others are tested against."""
        return self.data["settings"]["base"]

    def pair(self, first, second):
        """The paired difference first - second in the study's metric; None if unknown."""
        for pair in self.data.get("paired", []):
            entry = pair["metrics"].get(self.metric)
            if (pair["first"], pair["second"]) == (first, second):
                return entry
            if (pair["first"], pair["second"]) == (second, first):
                return turned(entry)
        if second == self.base:
            return _as_pair(self.variants[first], self.metric)
        return (
            turned(_as_pair(self.variants[second], self.metric)) if first == self.base else None
        )

    def network(self, name):
        """A variant's --model as a `terms.Term`, of its own flags or the base's; or None."""
        flags = [*self.data["settings"].get("base_flags", []), *self.variants[name]["flags"]]
        given = [flag.partition("=")[2] for flag in flags if flag.startswith("--model=")]
        return terms.parse(given[-1], what="--model")[0] if given else None

    def best_reference(self):
        """(name, entry) of the best classical method in the study's metric, or None."""
        entries = {
            name: reference["metrics"][self.metric]
            for name, reference in self.data.get("references", {}).items()
            if self.metric in reference["metrics"]
        }
        lower = self.metric in self.data["settings"].get("lower_is_better", ())
        pick = min if lower else max
        best = pick(entries, key=lambda name: entries[name]["mean"], default=None)
        return (best, entries[best]) if best else None


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What kinpaint.explain wrote: {"name", "image", facts by section, "figures"} a picture."""

    dir: pathlib.Path
    pictures: list

    def figures(self, may_show):
        """(picture's name, section, uint8 picture) of what may be shown, section by section.

        Figures of nearest training patches show other photographs beside the explained one:
        they are left out.
        """
        found = [
            (section, entry["name"], path)
            for entry in self.pictures
            if may_show(entry["image"])
            for section, paths in entry.get("figures", {}).items()
            if section not in OTHER_PHOTOS
            for path in paths
        ]
        for section, name, path in sorted(found, key=lambda one: one[0]):
            yield name, section, np.asarray(Image.open(self.dir / path).convert("RGB"))

    def measures(self):
        """{"section key ...": [value of each picture]} of the sections' facts."""
        found = {}
        for entry in self.pictures:
            for section, facts in entry.items():
                if isinstance(facts, dict) and section != "figures":
                    for name, value in _leaves(facts, section):
                        found.setdefault(name, []).append(value)
        return found


@dataclasses.dataclass(frozen=True)
class Sources:
    """Everything that the chapters read.

    Attributes:
        evaluations, runs, studies, explanations: in the order given.
        exploration: {title of a section: facts} of pipelines.explore, or {}.
        photos: rows of its photos.csv, or [].
        film: the `Film` of training, or None.
        texts: {chapter's key: Markdown} that a person wrote.
        credits: lines about the photographs that are shown.
        title: of the report.
        missing: what was not given and is left out, as sentences.
        looks: {model: style}, the same in every chart.
    """

    evaluations: list
    runs: list
    studies: list
    explanations: list
    exploration: dict
    photos: list
    film: Any
    texts: dict
    credits: list
    title: str
    missing: list
    looks: dict

    @property
    def main(self):
        """The figures of the evaluation that the report is about first."""
        return self.evaluations[0].figures

    def may_show(self, name):
        """Whether any of the evaluations may show a photograph of this name."""
        return any(e.showing.allows(name) for e in self.evaluations)


def gather(options) -> Sources:
    """Reads everything that `ReportOptions` name.

    Raises:
        UserError: nothing was scored, a directory is not what it should be, or pictures
            are to be shown without a credit.
    """
    if not options.out_dir:
        raise UserError("say where the report goes: --out_dir=DIR")
    if (options.show or options.story) and not options.credit:
        raise UserError("--show and --story want --credit: who made the photos, which licence")
    studies = [_study(path) for path in options.ablation]
    specs = options.eval or [
        f"{study.name}={path}/scores"
        for study, path in zip(studies, options.ablation, strict=True)
        if (pathlib.Path(path) / "scores" / "metrics.json").is_file()
    ]
    if not specs:
        raise UserError("nothing was scored: give --eval=DIR, as written by kinpaint.eval")
    evaluations = _coloured([_evaluation(spec, options.show) for spec in specs])
    runs = _runs(options.run, evaluations)
    exploration, photos = _exploration(options.explore)
    given = {
        "--run": ("how the models were trained", runs),
        "--ablation": ("ablations", studies),
        "--explore": ("statistics of the photographs", exploration),
        "--explain": ("what a filling depends on", options.explain),
    }
    return Sources(
        evaluations=evaluations,
        runs=runs,
        studies=studies,
        explanations=[_explanation(path) for path in options.explain],
        exploration=exploration,
        photos=photos,
        film=_film(options, runs),
        texts=_texts(options.text),
        credits=list(options.credit) or _credits(evaluations),
        title=options.title,
        missing=[f"{what} ({flag})" for flag, (what, found) in given.items() if not found],
        looks=evaluations[0].figures.looks,
    )


def read_run(spec) -> Run:
    """A run directory, [label=]DIR.

    Raises:
        UserError: it is no run, or one that has not begun.
    """
    label, path = contestants.split(spec)
    path = pathlib.Path(path)
    for name in ("flags.txt", "history.jsonl"):
        if not (path / name).is_file():
            raise UserError(f"{path} has no {name}: it is no run of kinpaint.train")
    from kinpaint.training.restoring import named_flags  # TensorFlow loads once files are there

    flags = named_flags((path / "flags.txt").read_text().splitlines())
    if "model" not in flags:
        raise UserError(f"{path}/flags.txt names no --model: it is no run of kinpaint.train")
    history = files.rows(path / "history.jsonl", {"step": int})
    return Run(label or path.resolve().name, path, flags, history)


def _evaluation(spec, show):
    label, source = contestants.split(spec)
    path = pathlib.Path(source)
    alone = path.is_file()
    metrics = path if alone else path / "metrics.json"
    if not metrics.is_file():
        raise UserError(f"{path} has no metrics.json: finish kinpaint.eval there first")
    data = files.one(metrics, {"settings": dict, "models": dict, "pictures": dict})
    if not data["models"]:
        raise UserError(f"{metrics} names no model: score again")
    label = label or (path.stem if alone else path.resolve().name)
    if not alone:
        current.check_evaluation(path)
    settings = data["settings"]
    showing = Showing(settings.get("data_dir", ""), show or settings.get("show", ()))
    table = None if alone else _table(path)
    return Evaluation(label, Figures(data, label), None if alone else path, table, showing)


def _table(path):
    """The score table with the pictures' indices, which stand in holes.jsonl."""
    table = ScoreTable.load(path / "per_image.csv")
    holes = {row["image"]: row["index"] for row in files.rows(path / "holes.jsonl")[1:]}
    try:
        table.pictures["index"] = [holes[image] for image in table.pictures["image"]]
    except KeyError as error:
        raise UserError(
            f"{path}: holes.jsonl lacks the picture {error} of per_image.csv: score again"
        ) from error
    return table


def _coloured(evaluations):
    """The evaluations, each model in one colour in all of them."""
    labels = [evaluation.label for evaluation in evaluations]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise UserError(f"two --eval are called {twice[0]}: put label= in front of one of them")
    learned = dict.fromkeys(n for e in evaluations for n in e.figures.learned)
    classical = dict.fromkeys(n for e in evaluations for n in e.figures.classical)
    looks = charts.styles(learned, classical)
    return [
        dataclasses.replace(e, figures=dataclasses.replace(e.figures, looks=looks))
        for e in evaluations
    ]


def _runs(specs, evaluations):
    """The runs that were named; else those behind the scored models, where they are here."""
    if specs:
        return [read_run(spec) for spec in specs]
    found = {}
    for evaluation in evaluations:
        for name, model in evaluation.figures.data["settings"]["models"].items():
            path = pathlib.Path(contestants.place(model["source"])[0])
            if (path / "flags.txt").is_file() and (path / "history.jsonl").is_file():
                found.setdefault(name, f"{name}={path}")
    return [read_run(spec) for spec in found.values()]


def _study(path):
    path = pathlib.Path(path)
    data = files.one(path / "ablation.json", {"settings": dict, "variants": dict})
    for key in ("base", "metric"):
        if key not in data["settings"]:
            raise UserError(f"{path}/ablation.json names no {key}: run kinpaint.ablate again")
    return Study(path.resolve().name, data)


def _as_pair(variant, metric):
    """`versus_base` of a study in the shape of `aggregate.paired`."""
    entry = (variant.get("versus_base") or {}).get(metric)
    return (
        None
        if entry is None
        else {
            "mean": entry["difference"],
            "ci95": entry["ci95"],
            "n": entry.get("n"),
            "better": entry.get("better"),
            "worse": None,
            "p_sign": entry["p"],
        }
    )


def _explanation(path):
    data = files.one(pathlib.Path(path) / "explain.json", {"pictures": list})
    model = data.get("model", {"source": ""})
    said = f"{path} explains {model.get('source')} as it was"
    current.check_model(model, said, "kinpaint.explain")
    return Explanation(pathlib.Path(path), data["pictures"])


def _exploration(directory):
    """Facts by title, the numbers in front of the titles taken off; and the photos' rows."""
    if not directory:
        return {}, []
    path = pathlib.Path(directory) / "report.json"
    if not path.is_file():
        raise UserError(f"{directory} has no report.json: run pipelines.explore there first")
    facts = {title.lstrip("0123456789 "): fact for title, fact in files.one(path).items()}
    photos = pathlib.Path(directory) / "photos.csv"
    if not photos.is_file():
        return facts, []
    with open(photos, newline="", encoding="utf-8") as file:
        return facts, list(csv.DictReader(file))


def _film(options, runs):
    """Of --story, else of the first run whose photographs may all be shown."""
    if options.story:
        film = read_run(options.story).film()
        if film is None:
            raise UserError(
                f"--story={options.story}: it kept pictures at fewer than two steps: train "
                f"with a smaller --pictures_every"
            )
        return film
    free = [
        run for run in runs if Showing(run.flags.get("data_dir", ""), options.show).allows_all()
    ]
    return next(filter(None, map(Run.film, free)), None)


def _credits(evaluations):
    """What manifests say of the photographs that may be shown."""
    found = set()
    for evaluation in evaluations:
        if not evaluation.table:
            continue
        images = [n for n in evaluation.table.pictures["image"] if evaluation.showing.allows(n)]
        found.update(evaluation.showing.credits(images))
        if images and not found:
            found.add(f"the folder {evaluation.showing.root.resolve().name}")
    return sorted(found)


def _texts(directory):
    if not directory:
        return {}
    if not pathlib.Path(directory).is_dir():
        raise UserError(f"--text={directory} is no folder")
    paths = sorted(pathlib.Path(directory).glob("*.md"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


def _frame(picture, side, gap=3):
    """Rows masked ... composite, truth (a row a picture) as three rows of pictures."""
    height, width = picture.shape[:2]
    rows, columns = height // side, width // side
    tiles = picture.reshape(rows, side, columns, side, 3).swapaxes(1, 2)
    lines = []
    for column in (0, columns - 2, columns - 1):
        padded = np.pad(
            tiles[:, column], ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255
        )
        lines.append(np.concatenate(list(padded), axis=1))
    return np.concatenate(lines, axis=0)[:-gap, :-gap]


def _ends(known):
    (early, _, first), (late, _, last) = known[0], known[-1]
    return f"{first:.2f} dB at step {early:,}, {last:.2f} dB at step {late:,}"


def _label(known, step):
    """The step, and the newest score that was known at it."""
    scores = [(s, score) for s, _, score in known if s <= step]
    return f"step {step:,}" + (f"   PSNR in the hole {scores[-1][1]:.2f} dB" if scores else "")


def _leaves(node, path):
    """("section key ...", number) of nested dicts; whole numbers are counts and settings."""
    for key, value in node.items():
        inner = path if key == path else f"{path} {key}"
        if isinstance(value, dict):
            yield from _leaves(value, inner)
        elif isinstance(value, float):
            yield inner, value
