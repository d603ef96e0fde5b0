"""The story, a function a chapter: what it says, what it shows, and the slide that tells it.

A chapter that has nothing to tell is left out. A person's own Markdown (`--text`, a file named
after the chapter's key) stands in place of the sentences made here.
"""

import dataclasses
import functools

import numpy as np

from kinpaint import charts
from kinpaint.blocks import Cell, Chart, Markdown, Pictures, Table, Text, markdown_sentences
from kinpaint.evaluation import figures as words
from kinpaint.evaluation import pages
from kinpaint.evaluation.figures import count, interval, names, verdict
from kinpaint.metrics import registry
from kinpaint.metrics.registry import METRICS
from kinpaint.reporting import networks
from kinpaint.reporting.sources import Sources

_PROBLEM = (
    "A photograph has a hole: an object taken out, a scratch, a damaged part. Fill it so that "
    "nobody sees where it was, and leave every other pixel as it is."
)
_MEASURE = (
    "No filling is the only right one, so two scores are read together: PSNR inside the hole "
    "(closeness to the true picture, in dB, higher is better) and LPIPS (difference to the "
    "eye, lower is better)."
)
_MAIN = ("psnr_hole", "lpips_alex", "ssim", "l1_hole", "seconds_per_image")
_SPLITS = ("train", "val", "test")
_MOST_NETWORKS = 4  # in the chapter; all are in the appendix


@dataclasses.dataclass(frozen=True)
class Slide:
    """One page of the presentation.

    Attributes:
        title: its one message.
        notes: what the speaker says, sentences; the film's captions and its spoken track.
        exhibit: a `Chart`, `Pictures`, `Film` or `Table`, or None.
        points: a few short lines beside the exhibit.
        spare: how readily it goes where there are too many slides; 0: never.
    """

    title: str
    notes: list
    exhibit: object = None
    points: tuple = ()
    spare: int = 0


@dataclasses.dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        key: its anchor, and the name of the Markdown file that takes the place of `lead`.
        title: heading.
        lead: sentences or Markdown blocks that open it.
        rows: rows of blocks; the blocks of a row stand side by side where there is room.
        slides: what the presentation shows.
        appendix: (heading, blocks) behind the story.
    """

    key: str
    title: str
    lead: list
    rows: list
    slides: list = dataclasses.field(default_factory=list)
    appendix: list = dataclasses.field(default_factory=list)


def story(sources: Sources) -> list:
    """The chapters in order."""
    parts = (question, data, methods, results, errors, ablations, interpretation, outlook)
    return [found for part in parts if (found := part(sources))]


def question(sources):
    """What is asked, what was found, and a few holes to look at."""
    found = _found(sources)
    shown = _even(sources, 3)
    main = sources.main
    opening = Slide(
        sources.title,
        [_PROBLEM, f"Compared are {_compared(main)}."],
        shown,
        (
            _compared(main)[:1].upper() + _compared(main)[1:],
            f"on {count(main.scored, 'picture')}",
        ),
    )
    measured = Slide(
        "Two scores are read together: closeness, and what the eye sees",
        [_MEASURE],
        None,
        (
            "PSNR in the hole: closeness to the true picture, higher is better",
            "LPIPS: difference to the eye, lower is better",
            "Every difference with its 95 % interval over the pictures",
            "Where the interval holds zero: not told apart",
        ),
        spare=3,
    )
    lead = _own(sources, "question") or [Text([_PROBLEM, _MEASURE])]
    rows = [[Text(found, "list"), *filter(None, [shown])]]
    return Chapter("question", "Question and answer", lead, rows, [opening, measured])


def data(sources):
    """The photographs: how many of each class, how difficult; the scored ones."""
    said = [*_explored(sources.exploration), _scored(sources)]
    balance = sources.exploration.get("Balance", {}).get("splits")
    shown, appendix = [], []
    if balance:
        counts = {
            label: {s: splits[s] for s in _SPLITS if s in splits}
            for label, splits in balance.items()
        }
        shown.append(
            Chart(
                "Photographs of each class in the training, validation and test splits.",
                lambda figure: charts.bars(figure, counts, "photographs"),
                3.2,
            )
        )
    if chart := _map(sources.photos):
        shown.append(chart)
    if not shown:
        counts = {c: {"scored": n} for c, n in sources.main.counts("classes").items()}
        shown.append(
            Chart(
                "Scored pictures of each class.",
                lambda figure: charts.bars(figure, counts, "pictures"),
                3.2,
            )
        )
    if table := _size_table(sources.exploration):
        appendix.append(("Sizes of the photographs", [table]))
    slide = Slide(said[0].rstrip("."), said[:2], shown[-1])
    return Chapter(
        "data", "Data", _own(sources, "data") or [Text(said)], [shown], [slide], appendix
    )


def methods(sources):
    """Which networks were trained, how, and how they came along."""
    used = _networks(sources)
    side = sources.main.data["settings"]["image_size"]
    said = _rules(sources)
    rows, appendix, slides = [], [], []
    if used:
        rows.append([_network_chart(used[:_MOST_NETWORKS], side)])
        if len(used) > _MOST_NETWORKS:
            appendix.append(("All networks", [_network_chart(used, side)]))
        slide_chart = _network_chart(used[:_MOST_NETWORKS], side)
        slides.append(
            Slide(
                f"{count(len(used), 'network').capitalize()}, from simple to elaborate"
                if len(used) > 1
                else f"The network: {used[0]}",
                [
                    said[0],
                    "A bar is a layer, as high as its map and as wide as its channels.",
                ],
                slide_chart,
            )
        )
    else:
        slides.append(Slide("Known pixels are never changed", said[:1], None, tuple(said), 2))
    beside = []
    if curves := _curves(sources):
        beside.append(curves)
        slides.append(Slide("How the models came along", _progress(sources)[:2], curves, (), 1))
    if sources.film:
        beside.append(sources.film)
        told = sources.film.caption.partition("; from above")[0] + "."
        slides.append(Slide("The same pictures, again and again", [told], sources.film))
    if beside and rows:
        rows[0].append(beside.pop(0))
    rows += [beside] if beside else []
    if sources.runs:
        appendix.append(("How each model was trained", [_run_table(sources.runs)]))
        said.append(_budget(sources.runs))
    lead = _own(sources, "method") or [Text(list(filter(None, said)))]
    if rows and len(rows[0]) == 1:  # text and figure side by side
        rows[0], lead = [_Titled("", lead), *rows[0]], []
    return Chapter("method", "Methods", lead, rows, slides, appendix)


def results(sources):
    """Who wins, by how much, where; the ladder; the settings; pictures."""
    main, ladder = sources.main, find_ladder(sources)
    found = [main.headline(metric) for metric in main.leading]
    table = main.score_table([m for m in _MAIN if m in main.metrics])
    gains = _gains(main)
    rows, slides, said = [[table, _Titled("", gains)] if gains else [table]], [], []
    if gains:
        slides.append(Slide(_short(main), found, gains[0]))
    slides.append(Slide("All scores", [found[-1]], table, (), spare=2))
    across, sentences = _across(sources)
    pair = [*filter(None, [across])]
    if across:
        slides.append(Slide(_across_title(sources), sentences[:2], across))
    if ladder:
        pair.append(ladder.chart())
        said += ladder.sentences()[1:]
        slides.append(Slide(ladder.title(), ladder.sentences()[:2], ladder.chart()))
    if said:
        rows.append([Text(said, "list")])
    rows += [pair] if pair else []
    if pictures := _even(sources, 2):
        slides.append(Slide("What the fillings look like", [pictures.caption], pictures))
    appendix = [
        (f"Scores: {e.label}", [e.figures.score_table(e.figures.metrics), *_pairs(e.figures)])
        for e in sources.evaluations
    ]
    lead = _own(sources, "results")
    return Chapter("results", "Results", lead, rows, slides, appendix)


def errors(sources):
    """Where the best trained model fails."""
    evaluation = next((e for e in sources.evaluations if "errors" in e.figures.data), None)
    if not evaluation:
        return None
    told = evaluation.figures
    name = told.best(told.learned or told.names, told.rank_by)
    said = [*_size_sentence(told, name), *_relations(sources, evaluation, name)]
    by_size, by_distance = told.bucket_chart(told.rank_by), told.distance_chart()
    rows = [[by_size, by_distance]]
    worst = told.data.get("shown", {}).get("models", {}).get(name, {}).get("worst", [])
    caption = f"{name}: of its worst pictures those that may be shown ({evaluation.label})."
    allowed = evaluation.may_show(worst)[:3]
    blocks = [told.relation_table(told.names)]
    if grid := _grid(evaluation, allowed, caption, [name]):
        blocks.insert(0, grid)
    slides = [
        Slide(
            "The larger the hole, the harder",
            _size_sentence(told, name) or [by_size.caption],
            by_size,
        ),
        Slide("Far from what is known, errors grow", [by_distance.caption], by_distance, (), 4),
    ]
    if not _falls(told, name):
        slides[0] = dataclasses.replace(slides[0], title="Scores by size of the hole")
    slides[1] = dataclasses.replace(slides[1], title="Error by distance to the known pixels")
    appendix = [
        (f"Where {name} fails", blocks),
        (
            "By class and family of holes",
            [
                told.group_table(key, told.rank_by, what)
                for key, what in (("classes", "class"), ("families", "family of holes"))
            ],
        ),
    ]
    lead = _own(sources, "error_analysis") or [Text(said)]
    return Chapter("error_analysis", "Where it fails", lead, rows, slides, appendix)


def ablations(sources):
    """Which choices mattered: all studies in one chart of effects."""
    effects = [
        (study, name, pair)
        for study in sources.studies
        for name in study.variants
        if name != study.base and (pair := study.pair(name, study.base))
    ]
    if not effects:
        return None
    metric = registry.of(effects[0][0].metric)
    effects = [e for e in effects if e[0].metric == metric.name]
    effects.sort(key=lambda e: (sources.studies.index(e[0]), -abs(e[2]["mean"])))
    rows = {f"{study.name}: {name}": {"": pair} for study, name, pair in effects}
    bases = names(dict.fromkeys(f"{s.base} in {s.name}" for s, _, _ in effects))
    chart = Chart(
        f"What each choice changes in {metric.label} ({metric.better} is better): paired "
        f"differences to the base of its study ({bases}) with 95 % intervals; green better, "
        f"red worse, grey not told apart.",
        lambda figure: charts.forest(
            figure, rows, f"difference, {metric.axis}", None, 0.0, metric.better
        ),
        1.2 + 0.32 * len(rows),
    )
    said = _effect_sentences(effects, metric)
    _, name, pair = max(effects, key=lambda e: abs(e[2]["mean"]))
    clear = verdict(pair, metric.name) != "open"
    told = f"What mattered most: {name}, {metric.value(pair['mean'])}"
    slide = Slide(
        told if clear else "No choice made a difference beyond chance", said[:2], chart
    )
    appendix = [(f"Study: {study.name}", [_study_table(study)]) for study in sources.studies]
    lead = _own(sources, "ablations") or []
    return Chapter(
        "ablations",
        "Which choices mattered",
        lead,
        [[chart, Text(said, "list")]],
        [slide],
        appendix,
    )


def interpretation(sources):
    """What a filling depends on."""
    own = _own(sources, "interpretation")
    shown, rows, said = [], [], []
    for explanation in sources.explanations:
        measures = explanation.measures()
        said += _dependence(measures, len(explanation.pictures))
        shown += list(explanation.figures(sources.may_show))
        if measures:
            rows.append(_measure_table(measures, len(explanation.pictures)))
    if not (own or sources.explanations):
        return None
    shown = [one for one in shown if one[1] != "picture"]  # the gallery has such pictures
    told = [_figure(*one) for one in _varied(shown, 2)]
    slide = Slide(
        "What a filling depends on",
        (said or markdown_sentences(sources.texts.get("interpretation", "")))[:2],
        told[0] if told else None,
        tuple(said[:3]) if not told else (),
    )
    rest = [_figure(*one) for one in shown[:12]]
    appendix = [("How fillings come about", [*rows, *rest])] if rows or rest else []
    lead = own or ([Text(said)] if said else [])
    return Chapter("interpretation", "Why it fills as it does", lead, [told], [slide], appendix)


def outlook(sources):
    """Limits, and what next."""
    limits = _own(sources, "limits") or [Text(_limits(sources), "list")]
    nexts = _own(sources, "next") or [Text(_next(sources), "list")]
    short = {
        "limits": markdown_sentences(sources.texts.get("limits", "")) or _limits(sources),
        "next": markdown_sentences(sources.texts.get("next", "")) or _next(sources),
    }
    slides = [
        Slide("Limits", short["limits"][:2], None, tuple(short["limits"][:4])),
        Slide("What next", short["next"][:2], None, tuple(short["next"][:4]), spare=1),
    ]
    rows = [[_Titled("Limits", limits), _Titled("What next", nexts)]]
    appendix = [
        ("Settings of the evaluations", [_settings_table(sources)]),
        ("Credits", [Text(sources.credits or ["No photograph is shown."], "list")]),
    ]
    return Chapter("outlook", "Limits, and what next", [], rows, slides, appendix)


@dataclasses.dataclass(frozen=True)
class _Titled:
    """A small heading with blocks below it."""

    title: str
    blocks: list
    kind: str = "titled"


# The ladder: one network after the other, from simple to elaborate.


@dataclasses.dataclass(frozen=True)
class Ladder:
    """Models of at least two networks in the registry's order.

    Attributes:
        entries: {name: {"mean", "ci95"}}.
        metric: a `registry.Metric`.
        pair: (first, second) -> the paired difference first - second, or None.
        base: whom the others are compared with.
        where: which scores these are, in words.
        reference: (name, entry) of the best classical method, or None.
    """

    entries: dict
    metric: registry.Metric
    pair: object
    base: str
    where: str
    reference: tuple | None

    def chart(self):
        """Means with intervals from the simplest network down."""
        rows = {name: {"": entry} for name, entry in self.entries.items()}
        if self.reference:
            name, entry = self.reference
            rows = {f"{name} (classical)": {"": entry}, **rows}
        caption = (
            f"The ladder from the simplest network at the top to the most elaborate: "
            f"{self.metric.label} ({self.metric.better} is better), means with 95 % intervals "
            f"({self.where})."
        )
        return Chart(
            caption,
            lambda figure: charts.forest(figure, rows, self.metric.axis),
            1.2 + 0.34 * len(rows),
        )

    def steps(self):
        """(lower, higher, verdict on the higher, pair) of neighbours whose pair is known."""
        listed = list(self.entries)
        found = [(a, b, self.pair(b, a)) for a, b in zip(listed, listed[1:], strict=False)]
        return [(a, b, verdict(p, self.metric.name), p) for a, b, p in found if p]

    def sentences(self):
        """Whether it rises, and how all stand beside the base."""
        steps, said = self.steps(), []
        if falls := [step for step in steps if step[2] == "worse"]:
            told = names(f"{b} is worse than {a} by {self._size(p)}" for a, b, _, p in falls)
            said.append(f"The ladder does not rise throughout: {told}.")
        elif len(steps) == len(self.entries) - 1:
            rises = all(way == "better" for *_, way, _ in steps)
            said.append(
                "The ladder rises with every step, beyond chance."
                if rises
                else "No step of the ladder falls, but some are not told apart."
            )
        groups = {"better": [], "worse": [], "open": []}
        for name in self.entries:
            if name != self.base and (pair := self.pair(name, self.base)):
                groups[verdict(pair, self.metric.name)].append(name)
        told = {
            "better": "better than",
            "worse": "worse than",
            "open": "not told apart from",
        }
        parts = [
            f"{names(found)} {'is' if len(found) == 1 else 'are'} {told[way]} {self.base}"
            for way, found in groups.items()
            if found
        ]
        if parts:
            said.append(f"On the ladder, by {self.metric.label}: {'; '.join(parts)}.")
        return said

    def title(self):
        """One message."""
        groups = [self.pair(n, self.base) for n in self.entries if n != self.base]
        ways = [verdict(p, self.metric.name) for p in groups if p]
        if ways and "better" not in ways:
            return f"No network on the ladder beats {self.base}"
        return "From the simplest network to the most elaborate"

    def _size(self, pair):
        return f"{self.metric.value(abs(pair['mean']))}{words._of_size(self.metric, pair)}"


def find_ladder(sources):
    """The ladder of the first study, else evaluation, with three networks or more; or None."""
    found = []
    for study in sources.studies:
        entries = {
            name: variant["metrics"][study.metric]
            for name, variant in study.variants.items()
            if study.metric in variant["metrics"]
        }
        about = study.data["settings"]
        where = f"study {study.name}, {about['image_size']} px, holes {about['masks']}"
        known = {name: study.network(name) for name in entries}
        found.append(
            (
                entries,
                known,
                study.metric,
                study.pair,
                study.base,
                where,
                study.best_reference(),
            )
        )
    runs = {run.label: run.network for run in sources.runs}
    for evaluation in sources.evaluations:
        told = evaluation.figures
        metric = told.rank_by
        entries = {name: told.entry(name, metric) for name in told.learned}
        known = {name: runs.get(name) or _named_network(name) for name in entries}
        best = told.best(told.classical, metric)
        pair = functools.partial(_pair_of, told, metric)
        reference = (best, told.entry(best, metric)) if best else None
        found.append((entries, known, metric, pair, None, told.conditions(), reference))
    ladders = [ladder for one in found if (ladder := _ladder(*one))]
    wide = [ladder for ladder in ladders if len(ladder.entries) > 2]
    return next(iter(wide or ladders), None)


def _ladder(entries, known, metric, pair, base, where, reference):
    from kinpaint.models import MODELS

    order = {name: place for place, name in enumerate(MODELS)}
    kept = [name for name in entries if known[name] and known[name].name in order]
    if len({known[name].name for name in kept}) < 2:
        return None
    kept.sort(key=lambda name: order[known[name].name])
    base = base if base in kept else kept[0]
    ordered = {name: entries[name] for name in kept}
    return Ladder(ordered, registry.of(metric), pair, base, where, reference)


def _pair_of(told, metric, first, second):
    return told.pair(first, second, metric)


def _named_network(name):
    """A model that is called as a network: "cnn", "cnn(width=24)", "cnn, adversarial"."""
    from pipelines import terms

    try:
        return terms.parse(name.partition(",")[0].strip(), what="the model's name")[0]
    except ValueError:
        return None


# Sentences, tables and charts of the chapters, in the chapters' order.


def _own(sources, key):
    return [Markdown(sources.texts[key])] if key in sources.texts else []


def _found(sources):
    """The answers: who wins at the main setting, over all settings, on the ladder."""
    main = sources.main
    found = [main.headline(metric) for metric in main.leading]
    found.append(f"These are scores of {main.conditions()}.")
    found += _across(sources)[1]
    if ladder := find_ladder(sources):
        found += ladder.sentences()[:1]
    return found


def _compared(main):
    told = [
        count(len(found), what)
        for found, what in (
            (main.learned, "trained model"),
            (main.classical, "classical method"),
        )
        if found
    ]
    return " and ".join(told)


def _even(sources, rows):
    """A grid of the first evaluation that may show pictures; None without."""
    for evaluation in sources.evaluations:
        even = evaluation.may_show(evaluation.figures.data.get("shown", {}).get("even", []))
        number = min(rows, len(even))
        chosen = [even[(2 * k + 1) * len(even) // (2 * number)] for k in range(number)]
        caption = (
            f"Photographs with small to large holes, chosen by the size of the hole and not by "
            f"the result ({evaluation.figures.where()})."
        )
        if grid := _grid(evaluation, chosen, caption):
            return grid
    return None


def _grid(evaluation, indices, caption, models=None):
    if not indices:
        return None
    return pages.grid(
        evaluation.figures, evaluation.table, evaluation.gallery, indices, caption, models
    )


def _explored(exploration):
    totals, said = exploration.get("Totals", {}), []
    splits = exploration.get("Balance", {}).get("splits", {})
    if "files" in totals:
        classes = exploration.get("Balance", {}).get("classes", {})
        told = names(f"{n:,} {name or 'photographs'}" for name, n in classes.items())
        said.append(
            f"The data are {totals['files']:,} photographs{f': {told}' if told else ''}."
        )
    if splits:
        sums = {s: sum(c.get(s, 0) for c in splits.values()) for s in _SPLITS}
        told = names(f"{n:,} {name}" for name, n in sums.items() if n)
        said.append(f"They are split once and for all: {told}.")
    duplicates = exploration.get("Duplicates", {})
    found = [
        count(len(facts[key]), what)
        for facts, key, what in (
            (totals, "unreadable", "unreadable file"),
            (totals, "checksum_mismatches", "wrong checksum"),
            (duplicates, "near_pairs", "near duplicate"),
            (duplicates, "leaks_between_splits", "duplicate across splits"),
        )
        if facts.get(key)
    ]
    checked = "unreadable" in totals and "near_pairs" in duplicates
    if found or checked:
        said.append(
            f"A check of every file found {names(found)}."
            if found
            else "A check of every file found none unreadable and no near duplicates."
        )
    return said


def _scored(sources):
    evaluations = sources.evaluations
    main = sources.main
    classes = names(f"{n:,} {name}" for name, n in main.counts("classes").items() if name)
    told = f" ({classes})" if classes else ""
    said = f"Scored are {main.conditions()}{told}"
    if len(evaluations) == 1:
        return f"{said}."
    sides = sorted({e.figures.data["settings"]["image_size"] for e in evaluations})
    others = f"{len(evaluations) - 1} further settings"
    return f"{said}, and {others} at {names(f'{side} px' for side in sides)}."


def _map(photos):
    """Every photograph by brightness and fineness of structure; None without these columns."""
    wanted = ("brightness", "spatial_information", "class")
    rows = [r for r in photos if all(r.get(name) for name in wanted)]
    if not rows:
        return None
    groups = {}
    for row in rows:
        xs, ys = groups.setdefault(row["class"], ([], []))
        xs.append(float(row["brightness"]))
        ys.append(float(row["spatial_information"]))
    return Chart(
        "A map of the classes: each dot is a photograph, bright ones to the right, finely "
        "structured ones, which are harder to fill, towards the top.",
        lambda figure: charts.scatter(
            figure, groups, "mean brightness, 0 to 255", "spatial information"
        ),
        3.2,
    )


def _size_table(exploration):
    quantiles = ("5%", "median", "95%")
    rows = [
        [Cell(name.replace("_", " ")), *(Cell(f"{values[q]:g}") for q in quantiles)]
        for name, values in exploration.get("Geometry", {}).items()
        if isinstance(values, dict) and all(q in values for q in quantiles)
    ]
    return Table("Sizes of the photographs, pixels.", ["", *quantiles], rows) if rows else None


def _networks(sources):
    """Every network that was trained or scored, as text, in the registry's order."""
    from kinpaint.models import MODELS

    found = [run.network for run in sources.runs]
    for study in sources.studies:
        found += filter(None, (study.network(name) for name in study.variants))
    order = {name: place for place, name in enumerate(MODELS)}
    known = {term.name: _text(term) for term in reversed(found) if term.name in order}
    return [known[name] for name in sorted(known, key=order.get)]


def _text(term):
    """A network as one writes it: cnn(width=24, fill=pull_push)."""
    settings = ", ".join(f"{key}={value}" for key, value in term.settings.items())
    return f"{term.name}({settings})" if settings else term.name


def _network_chart(used, side):
    side = max(32, side - side % 32)
    return Chart(
        f"The networks drawn from their settings, for pictures of {side} px: a bar is a layer, "
        f"as high as its feature map (square root) and as wide as its channels.",
        lambda figure: networks.draw(figure, used, side),
        0.5 + 0.95 * len(used),
    )


def _rules(sources):
    said = [
        "Every network gets the picture with an empty hole and the hole's mask; known pixels "
        "are pasted back bit for bit."
    ]
    if any("pull_push" in run.flags["model"] for run in sources.runs):
        said.append(
            "With fill=pull_push the hole is first filled classically, by a pyramid of means, "
            "and the network learns to correct that."
        )
    return said


def _budget(runs):
    minutes = [run.cpu_minutes for run in runs if run.cpu_minutes]
    if not minutes:
        return ""
    low, high = min(minutes), max(minutes)
    told = f"{low:.0f} to {high:.0f}" if round(low) != round(high) else f"{low:.0f}"
    each = "each " if len(runs) > 1 else ""
    return (
        f"Training took {told} minutes of CPU time {each}(see the appendix for every setting)."
    )


def _curves(sources):
    lines = {
        run.label: [(minutes, score, None) for _, minutes, score in run.validations()]
        for run in sources.runs
    }
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    looks = {**charts.styles(lines), **sources.looks}
    return Chart(
        "PSNR in the hole (higher is better) on each run's own validation pictures during "
        "training; runs with other sizes or holes are not comparable.",
        lambda figure: charts.lines(
            figure, lines, "CPU time, minutes", "PSNR in the hole, dB", looks
        ),
    )


def _progress(sources):
    said = []
    for run in sources.runs:
        known = run.validations()
        if len(known) > 1:
            said.append(
                f"{run.label} went from {known[0][2]:.2f} dB to {known[-1][2]:.2f} dB on its "
                f"validation pictures in {known[-1][1]:.0f} minutes of CPU time."
            )
    return said


_RUN_COLUMNS = {
    "discriminator": "discriminator",
    "losses": "losses",
    "masks": "holes",
    "image_size": "px",
    "batch_size": "batch",
    "learning_rate": "rate",
    "precision": "precision",
    "ema": "averaged",
}


def _run_table(runs):
    """How each model was trained; columns in which all are alike are said below."""
    flags = [run.flags for run in runs]
    shown = {
        flag: name
        for flag, name in _RUN_COLUMNS.items()
        if len(runs) == 1 or len({f.get(flag) for f in flags}) > 1
    }
    alike = [
        f"{name} {flags[0][flag]}"
        for flag, name in _RUN_COLUMNS.items()
        if flag not in shown and flags[0].get(flag)
    ]
    rows = [
        [
            Cell(run.label),
            Cell(_text(run.network)),
            *(Cell(own.get(flag, "–")) for flag in shown),
            Cell(f"{run.step:,}"),
            Cell("–" if run.cpu_minutes is None else f"{run.cpu_minutes:.0f}"),
        ]
        for run, own in zip(runs, flags, strict=True)
    ]
    told = f" Alike in all: {names(alike)}." if alike else ""
    caption = f"How each model was trained.{told}"
    return Table(caption, ["model", "network", *shown.values(), "steps", "CPU min"], rows)


def _gains(told):
    """Charts of each trained model's paired difference to the best classical method."""
    found = []
    for name in told.leading:
        metric, theirs = registry.of(name), told.best(told.classical, name)
        if not theirs or not told.learned:
            continue
        others = [n for n in told.names if n != theirs and n != "mean"]
        ordered = sorted(others, key=lambda n: n in told.classical)
        rows = {n: {"": told.pair(n, theirs, name)} for n in ordered}
        caption = (
            f"{metric.label} ({metric.better} is better): paired difference of each method to "
            f"{theirs}, the best classical one, with 95 % intervals; green better, red worse, "
            f"grey not told apart."
        )
        found.append(
            Chart(
                caption,
                functools.partial(
                    charts.forest,
                    rows=rows,
                    axis=f"difference to {theirs}, {metric.axis}",
                    zero=0.0,
                    better=metric.better,
                ),
                1.3 + 0.34 * len(rows),
            )
        )
    return found


def _short(main):
    """The main result as a slide's title."""
    metric = main.leading[0]
    ours, theirs = main.best(main.learned, metric), main.best(main.classical, metric)
    label = registry.of(metric).label
    if not (ours and theirs):
        return f"{ours or theirs} has the best {label}"
    told = {
        "better": f"{ours} beats every classical method in {label}",
        "worse": f"No trained model reaches {theirs} in {label}",
        "open": f"{ours} and {theirs} are not told apart in {label}",
    }
    return told[main.verdict(ours, theirs, metric)]


def _across(sources):
    """Chart and sentences of models scored in several settings, beside the classical ones."""
    told = [e.figures for e in sources.evaluations]
    often = [n for n in sources.looks if sum(n in t.learned for t in told) > 1]
    if not often:
        return None, []
    metric = registry.of(sources.main.rank_by)
    rows = {}
    for figures in told:
        theirs = figures.best(figures.classical, metric.name)
        ours = [n for n in often if n in figures.learned]
        if theirs and ours and metric.name in figures.metrics:
            rows[figures.label] = {n: figures.pair(n, theirs, metric.name) for n in ours}
    if len(rows) < 2:
        return None, []
    chart = Chart(
        f"{metric.label} ({metric.better} is better) in every setting: paired differences to "
        f"the best classical method of the setting with 95 % intervals.",
        lambda figure: charts.forest(
            figure,
            rows,
            f"difference to the best classical method, {metric.axis}",
            sources.looks,
            0.0,
            metric.better,
        ),
        1.5 + 0.42 * len(rows),
    )
    said = []
    for name in often:
        parts = []
        for leading in sources.main.leading:
            ways = _ways(told, name, leading)
            if ways:
                parts.append(f"{_tally(ways)} by {registry.of(leading).label}")
        if parts:
            said.append(
                f"{name}, beside the best classical method of each setting: {'; '.join(parts)}."
            )
    return chart, said


def _across_title(sources):
    """The first of the models that were scored in several settings, in one message."""
    told = [e.figures for e in sources.evaluations]
    name = next(n for n in sources.looks if sum(n in t.learned for t in told) > 1)
    ways = _ways(told, name, sources.main.rank_by)
    told = f"{ways.count('better')} of {len(ways)} settings"
    return f"{name} beats the best classical method in {told}"


def _ways(told, name, metric):
    found = []
    for figures in told:
        if name in figures.learned and metric in figures.metrics:
            theirs = figures.best(figures.classical, metric)
            if theirs:
                found.append(figures.verdict(name, theirs, metric))
    return found


def _tally(ways):
    total = len(ways)
    told = {"better": "better in {}", "worse": "worse in {}", "open": "not told apart in {}"}
    parts = [
        told[way].format(f"all {total}" if ways.count(way) == total else ways.count(way))
        for way in told
        if way in ways
    ]
    return f"{', '.join(parts)}{'' if len(set(ways)) == 1 else f' of {total}'}"


def _pairs(told):
    """Each trained model against the best classical one, and the trained ones in pairs."""
    found = []
    for metric in told.leading:
        theirs = told.best(told.classical, metric)
        pairs = [(n, theirs) for n in told.learned if theirs]
        best = told.best(told.learned, metric)
        pairs += [(best, n) for n in told.learned if best and n != best]
        pairs = [p for p in pairs if told.pair(*p, metric)]
        if pairs:
            found.append(told.pair_table(metric, pairs))
    return found


def _ends(told, name):
    """(bin, entry) of the smallest and the largest hole in which the model has an interval."""
    found = [
        (bucket, group[name][told.rank_by])
        for bucket, group in told.data["buckets"].items()
        if bucket != "other" and group[name][told.rank_by]["ci95"]
    ]
    return (found[0], found[-1]) if len(found) > 1 else None


def _apart(first, second):
    """Whether two intervals do not touch."""
    return first["ci95"][1] < second["ci95"][0] or second["ci95"][1] < first["ci95"][0]


def _falls(told, name):
    """Whether the largest holes score worse than the smallest, beyond both intervals."""
    ends = _ends(told, name)
    if not ends or not _apart(ends[0][1], ends[1][1]):
        return False
    return (ends[0][1]["mean"] > ends[1][1]["mean"]) == registry.higher_is_better(told.rank_by)


def _size_sentence(told, name):
    ends, metric = _ends(told, name), registry.of(told.rank_by)
    if not ends:
        return []
    (small, low), (large, high) = ends
    way = "The size of the hole decides" if _falls(told, name) else "By the size of the hole"
    return [
        f"{way}: {name} reaches {metric.value(low['mean'])}{interval(metric, low)} where "
        f"{charts.share(small)} of the picture is hole, {metric.value(high['mean'])}"
        f"{interval(metric, high)} where {charts.share(large)} is."
    ]


def _relations(sources, evaluation, name):
    """What a bad score goes with, as far as the correlation's interval leaves out zero."""
    told = evaluation.figures
    found = {
        words.MEASURES[measure]: (entry["rank_correlation"], told.scored)
        for measure, entry in told.data["errors"][name]["measures"].items()
    }
    found.update(_complexity(sources, evaluation, name))
    clear = {}
    for measure, (r, n) in found.items():
        ends = words.rank_interval(r, n)
        if ends and ends[0] > 0:
            clear[measure] = (r, ends)
    if not clear:
        return []
    top = sorted(clear, key=lambda m: -clear[m][0])[:3]
    listed = names(
        f"{m} ({clear[m][0]:.2f}, {clear[m][1][0]:.2f} to {clear[m][1][1]:.2f})" for m in top
    )
    return [
        f"{registry.of(told.rank_by).label} of {name} worsens with {listed}; in brackets the "
        f"rank correlation with its 95 % interval, which describes these pictures and names no "
        f"cause."
    ]


def _complexity(sources, evaluation, name):
    """The photographs' complexity, as pipelines.explore measured it, beside the score."""
    from scipy import stats

    known = {r["path"]: float(r["complexity"]) for r in sources.photos if r.get("complexity")}
    if not known or not evaluation.table:
        return {}
    table, rank = evaluation.table, evaluation.figures.rank_by
    x = np.array([known.get(image, np.nan) for image in table.pictures["image"]])
    y = table.column(name, rank) * (-1 if registry.higher_is_better(rank) else 1)
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 10 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return {}
    r = float(stats.spearmanr(x[both], y[both]).statistic)
    return {"complexity of the whole photograph": (r, int(both.sum()))}


def _effect_sentences(effects, metric):
    said = []
    for way, told in (("better", "Better than the base of its study"), ("worse", "Worse")):
        found = [(s, n, p) for s, n, p in effects if verdict(p, metric.name) == way]
        if found:
            found.sort(key=lambda e: -abs(e[2]["mean"]))
            listed = names(
                f"{n} ({metric.value(p['mean'])},{interval(metric, p).replace(' (', ' ')}"
                for _, n, p in found
            )
            verb = "is" if len(found) == 1 else "are"
            said.append(f"{told} {verb} {listed}.")
    if open_ := [n for _, n, p in effects if verdict(p, metric.name) == "open"]:
        said.append(f"Not told apart from its base: {names(dict.fromkeys(open_))}.")
    return said


def _study_table(study):
    about = study.data["settings"]
    wanted = [m for m in dict.fromkeys([study.metric, "lpips_alex"]) if m in METRICS]
    rows = []
    for name, variant in study.variants.items():
        pair = None if name == study.base else study.pair(name, study.base)
        rows.append(
            [
                Cell(name),
                *(words.cell(m, variant["metrics"].get(m)) for m in wanted),
                words.cell(study.metric, pair),
                Cell(words.chance(pair["p_sign"]) if pair else "–"),
                Cell(str(len(variant["seeds"]))),
                Cell(_thousands(variant["parameters"])),
                Cell(_thousands(variant["multiply_adds"])),
                Cell(f"{variant['steps']:,}"),
                Cell(f"{variant['cpu_minutes']:.0f}"),
            ]
        )
    heads = [f"{registry.of(m).axis} {registry.of(m).arrow}" for m in wanted]
    header = ["variant", *heads, f"difference to {study.base}", "p", "seeds", "parameters"]
    caption = (
        f"Study {study.name}: {about['image_size']} px, holes {about['masks']}. Small figures: "
        f"95 % intervals over pictures; p: sign test."
    )
    failed = [f"{run} failed: {why}." for run, why in study.data.get("failed", {}).items()]
    caption = " ".join([caption, *failed])
    return Table(caption, [*header, "multiply-adds", "steps", "CPU min"], rows)


def _thousands(n):
    """4,052,478 as 4.05 M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= limit:
            return f"{n / limit:.3g} {unit}"
    return f"{n:g}"


_MEASURES = {  # facts of explain in words, in the order of importance
    "dependence occlusion radius90_px": "radius of 90 % of the dependence, px (occlusion)",
    "dependence gradient radius90_px": "radius of 90 % of the dependence, px (gradient)",
    "attention mass_known": "share of attention on known pixels",
    "attention distance_px": "how far attention copies, px",
    "nearest distance_filled": "distance of the filling to the nearest training patch",
    "nearest distance_truth": "distance of the truth to the nearest training patch",
    "errors psnr_hole": "PSNR in the hole, dB",
    "errors l1_hole": "L1 in the hole",
    "picture hole_fraction": "hole's share of the picture",
}


def _measure_table(measures, pictures):
    shown = {name: values for name, values in measures.items() if name in _MEASURES}
    rows = [
        [Cell(words_), *(Cell(registry.digits(f(shown[name]))) for f in (np.mean, min, max))]
        for name, words_ in _MEASURES.items()
        if name in shown
    ]
    caption = f"What was measured inside the model, over {count(pictures, 'picture')}."
    return Table(caption, ["measure", "mean", "lowest", "highest"], rows)


def _dependence(measures, pictures):
    """A description of the explained pictures; no statement beyond them."""
    said = []
    over = (
        f"of the {pictures} explained pictures" if pictures > 1 else "of the explained picture"
    )
    key = "dependence occlusion radius90_px"
    if values := measures.get(key):
        low, high = min(values), max(values)
        told = f"{low:.0f} to {high:.0f}" if round(low) != round(high) else f"{low:.0f}"
        said.append(
            f"A filling is made from its surroundings: in each {over} 90 % of the change that "
            f"hiding a block makes comes from within {told} px of the hole."
        )
    filled, truth = (measures.get(f"nearest distance_{k}") for k in ("filled", "truth"))
    if filled and truth and all(f > 0 for f in filled):
        said.append(
            "No filling was copied from a training patch: the nearest one differs in each "
            f"{over}."
        )
    return said


def _varied(shown, most):
    """At most so many figures, of different sections first."""
    first = {}
    for one in shown:
        first.setdefault(one[1], one)
    rest = [one for one in shown if not any(one is f for f in first.values())]
    return [*first.values(), *rest][:most]


_FIGURES = {  # sections of explain: what their figures show
    "attention": "Where attention copies from",
    "dependence": "On which known pixels the filling depends (hidden blocks; gradients)",
    "errors": "Where the filling differs from the true picture",
    "gates": "What the gates let through",
    "propagation": "How partial convolutions fill the hole",
}


def _figure(name, section, picture):
    told = _FIGURES.get(section, section.capitalize())
    return Pictures(f"{told} (photograph {name}).", [""], [("", [picture])])


def _limits(sources):
    main, said = sources.main, []
    said.append(
        "The intervals are over pictures: they say nothing about other photographs than these "
        "or about other seeds of training."
    )
    single = [
        name
        for study in sources.studies
        for name, variant in study.variants.items()
        if len(variant["seeds"]) == 1
    ]
    if single:
        told = "Each model of the studies" if len(single) > 6 else names(dict.fromkeys(single))
        verb = "was" if len(single) > 6 or len(set(single)) == 1 else "were"
        said.append(f"{told} {verb} trained from one seed: small differences may be luck.")
    flags = {(r.flags.get("losses"), r.flags.get("masks")) for r in sources.runs}
    if len(flags) > 1:
        said.append(
            "The models were trained with different losses or holes (see the appendix): their "
            "scores do not compare networks alone."
        )
    if main.scored < 300:
        said.append(f"With {main.scored} pictures only large differences can be told.")
    missing = [
        m.label for n, m in METRICS.items() if n == "lpips_alex" and n not in main.metrics
    ]
    if missing:
        said.append(f"Not measured: {names(missing)}.")
    if sources.missing:
        said.append(f"Not in this report, because it was not given: {names(sources.missing)}.")
    return said


def _next(sources):
    said = []
    better = [run.label for run in sources.runs if _improving(run)]
    if better:
        verb = "was" if len(better) == 1 else "were"
        said.append(
            f"The last validation of {names(better)} {verb} the best one: train longer first."
        )
    if not sources.studies:
        said.append(
            "Studies (kinpaint.ablate) with several seeds would tell which choices matter."
        )
    if len(sources.evaluations) == 1:
        said.append("Scores at other sizes and holes would tell how far the result carries.")
    return said or ["Several seeds of each model would tell luck from recipe."]


def _improving(run):
    scores = [score for _, _, score in run.validations()]
    return len(scores) > 2 and scores[-1] == max(scores)


def _settings_table(sources):
    rows = []
    for evaluation in sources.evaluations:
        for name, value in evaluation.figures.data["settings"].items():
            if isinstance(value, dict):
                told = [
                    f"{inner} {text['fingerprint'] if isinstance(text, dict) else text}"
                    for inner, text in value.items()
                ]
                value = "; ".join(told)
            elif name in ("data_dir", "holes"):
                value = str(value).rpartition("/")[2]
            if value not in ("", 0, False, []):
                rows.append(
                    [Cell(f"{evaluation.label}: {name.replace('_', ' ')}"), Cell(str(value))]
                )
    return Table(
        "Settings of each evaluation; a model's fingerprint changes with its weights.",
        ["setting", "value"],
        rows,
    )
