"""`report.html`: one file with everything inlined, a screen of summary first."""

import pathlib

import cv2
import numpy as np

from kinpaint import blocks
from kinpaint.blocks import Cell, Pictures, Table, Text
from kinpaint.evaluation import export
from kinpaint.evaluation.figures import Figures, cell, names
from kinpaint.evaluation.gallery import MASKED, TRUTH
from kinpaint.evaluation.table import MEASURES
from kinpaint.metrics import registry

_COLUMNS = 3  # trained models in a grid of pictures
_SUMMARY = 3  # rows of its first grid
_MAIN = ("psnr_hole", "lpips_alex", "lpips_squeeze", "lpips_vgg", "ssim", "l1_hole")
ERROR_SCALE = 0.5  # absolute error, of the full range, that is shown brightest


def render(data, table, gallery, showing):
    """The page as text.

    Args:
        data: what `metrics.json` holds.
        table: the `ScoreTable` behind it.
        gallery: the kept pictures, a `gallery.Gallery`.
        showing: the `Showing` that says which photographs may be shown.
    """
    figures = Figures(data)
    chapters = {
        "scores": ("Scores", _scores(figures)),
        "pictures": ("Pictures", _pictures(figures, table, gallery)),
        "size": ("By size of the hole", _groups(figures)),
        "pairs": ("Differences between models", _pairs(figures)),
        "errors": ("Where models fail", _errors(figures, table, gallery)),
        "sets": ("Distances between sets of pictures", _sets(figures, gallery.root)),
        "settings": ("Settings", []),
    }
    environment = blocks.environment("kinpaint.evaluation")
    return environment.get_template("report.html.j2").render(
        title=f"{len(figures.names)} models on {figures.scored:,} pictures",
        figures=data,
        lead=f"{figures.where()}, split {data['settings']['split']} of "
        f"{pathlib.Path(data['settings']['data_dir']).name}",
        found=[figures.headline(metric) for metric in figures.leading],
        warnings=_warnings(figures),
        few=even_grid(figures, table, gallery, _SUMMARY),
        main=figures.score_table([m for m in _MAIN if m in figures.metrics]),
        chapters=chapters,
        credit=credit(figures, table, showing),
        withheld=len(table.pictures["image"])
        - sum(map(showing.allows, table.pictures["image"])),
        reasons={
            registry.of(metric).label: entry["reason"]
            for metric, entry in data["models"][figures.names[0]].items()
            if "reason" in entry
        },
    )


def even_grid(figures, table, gallery, count):
    """Photographs from small to large holes with the fillings; None where none may be shown."""
    even = figures.data.get("shown", {}).get("even", [])
    count = min(count, len(even))
    chosen = [even[(2 * k + 1) * len(even) // (2 * count)] for k in range(count)]
    caption = "Photographs from small to large holes, chosen by the size of the hole alone."
    return grid(figures, table, gallery, chosen, caption)


def grid(figures, table, gallery, indices, caption, models=None):
    """A row a photograph: with its hole, the best classical method, trained models, true."""
    rank = figures.rank_by
    if models is None:
        sign = -1 if registry.higher_is_better(rank) else 1
        known = [n for n in figures.learned if figures.entry(n, rank)["mean"] is not None]
        best = sorted(known, key=lambda n: sign * figures.entry(n, rank)["mean"])[:_COLUMNS]
        models = [name for name in figures.learned if name in best]
        models = [*filter(None, [figures.best(figures.classical, rank)]), *models]
    columns = [MASKED, *models, TRUTH]
    shares = dict(zip(table.pictures["index"], table.pictures["hole_fraction"], strict=True))
    indices = [i for i in indices if all(gallery.has(name, i) for name in columns)]
    if not indices:
        return None
    rows = [
        (f"{shares[i]:.0%} hole", [gallery.read(name, i) for name in columns]) for i in indices
    ]
    return Pictures(caption, ["with hole", *models, "true"], rows)


def credit(figures, table, showing):
    """Who made the shown photographs, as far as is known."""
    shown = figures.data.get("shown")
    if not shown or not shown["even"]:
        return "No photograph is shown."
    own = shown["models"].values()
    indices = {*shown["even"]}.union(*([*o["best"], *o["worst"]] for o in own))
    images = zip(table.pictures["index"], table.pictures["image"], strict=True)
    made = showing.credits([image for index, image in images if index in indices])
    folder = pathlib.Path(figures.data["settings"]["data_dir"]).resolve().name
    return f"Photographs: {names(made)}." if made else f"Photographs: the folder {folder}."


def _warnings(figures):
    data, unread = figures.data, figures.data["pictures"]["unread"]
    said = [
        f"{name} changed known pixels in {count} pictures: its figures are not comparable."
        for name, count in data["known_pixels_changed"].items()
        if count
    ]
    if unread:
        more = f" and {len(unread) - 20} more" if len(unread) > 20 else ""
        told = ", ".join(unread[:20])
        said.append(f"{len(unread)} photos could not be read and are left out: {told}{more}.")
    entry = data["models"][figures.names[0]]
    if not any(m.startswith("lpips") for m in figures.metrics) and "lpips_alex" in entry:
        said.append(f"LPIPS was not measured: {entry['lpips_alex']['reason']}.")
    return said


def _scores(figures):
    return [figures.score_table(figures.metrics)]


def _pictures(figures, table, gallery):
    found = even_grid(figures, table, gallery, 8)
    return [found or Text(["No photograph of this evaluation may be shown."])]


def _groups(figures):
    charts = [figures.bucket_chart(metric) for metric in figures.leading]
    told = {
        "buckets": "the hole's share of the picture",
        "families": "family of holes",
        "classes": "class",
    }
    tables = [
        figures.group_table(key, metric, what)
        for key, what in told.items()
        for metric in figures.leading
    ]
    return [*charts, *tables]


def _pairs(figures):
    every = [(pair["first"], pair["second"]) for pair in figures.data["paired"]]
    if not every:
        return []
    note = Text(["Many pairs are compared: a single small probability proves little."])
    return [note, *(figures.pair_table(metric, every) for metric in figures.leading)]


def _errors(figures, table, gallery):
    found = [figures.distance_chart(), figures.relation_table(figures.names)]
    for name in figures.learned or figures.names[:1]:
        found.append(_worst_table(figures, name))
        shown = figures.data["shown"]["models"][name]
        for word in ("worst", "best"):
            caption = f"{name}: of its {word} pictures those that may be shown, and its error "
            caption += "(brightest from half of the full range)."
            if block := grid(figures, table, gallery, shown[word], caption, [name]):
                found.append(_with_error(block))
    return found


def _with_error(block):
    """The grid with a column that shows where the filling errs."""
    rows = [(label, [*arrays, _heat(arrays[1], arrays[-1])]) for label, arrays in block.rows]
    return Pictures(block.caption, [*block.columns, "error"], rows)


def _heat(filled, truth):
    error = np.abs(truth.astype("float32") - filled).mean(axis=-1) / 255.0 / ERROR_SCALE
    heat = cv2.applyColorMap(np.uint8(np.clip(error, 0, 1) * 255), cv2.COLORMAP_INFERNO)
    return cv2.cvtColor(heat, cv2.COLOR_BGR2RGB)


def _worst_table(figures, name):
    """The worst pictures by name, with what stands out in them."""
    rank = registry.of(figures.rank_by)
    rows = [
        [
            Cell(worst["image"]),
            Cell(rank.digits(worst["value"])),
            Cell(reasons(worst["reasons"])),
        ]
        for worst in figures.data["errors"][name]["worst"]
    ]
    caption = f"{name}: the worst pictures by {rank.label}, and what stands out in them."
    return Table(caption, ["picture", rank.axis, "stands out in"], rows)


def reasons(found):
    """What stands out in a picture among all, in words."""
    told = [
        MEASURES[r["measure"]]
        if r["measure"] == "at_border"
        else f"{MEASURES[r['measure']]} (more than in {r['percentile']:.0f} % of the pictures)"
        for r in found
    ]
    return "; ".join(told) or "nothing measured"


def _sets(figures, out_dir):
    found = []
    if warning := figures.data["sets"]["warning"]:
        found.append(Text([f"{warning[:1].upper()}{warning[1:]}."], "warning"))
    if distances := figures.data["sets"]["distances"]:
        heads = list(next(iter(distances.values())))
        rows = [
            [Cell(name), *(cell(key, entries[key]) for key in heads)]
            for name, entries in distances.items()
        ]
        caption = (
            "Fréchet distance and KID over features of an LPIPS backbone, lower is better: for "
            "comparing models on this page only. They are not FID and KID, which need the "
            "Inception graph of 2015."
        )
        found.append(Table(caption, ["model", *(h.replace("_", " ") for h in heads)], rows))
    if figures.data["settings"]["save_pictures"]:
        lines = [line for n in figures.names for line in export.commands(out_dir, n)]
        found.append(Text(["FID and KID by a standard tool, in an environment of its own:"]))
        found.append(Text(lines, "list"))
    else:
        found.append(
            Text(
                [
                    "For FID and KID by a standard tool score again with --save_pictures and "
                    "another --out_dir; the page then gives the commands."
                ]
            )
        )
    return found
