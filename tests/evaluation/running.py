"""Runs whole evaluations and reads what they wrote."""

import csv
import dataclasses
import json
import re

import numpy as np

from kinpaint.evaluation import session

PICTURES = 11


class Model:
    """A contestant that keeps what it was given; `fill` makes uint8 of (images, seed)."""

    def __init__(self, fill):
        self.fill, self.calls = fill, []

    def complete_batch(self, images, masks, seed=0, samples=1):
        self.calls.append(images)
        each = [np.where(masks, self.fill(images, seed + k), images) for k in range(samples)]
        return each[0] if samples == 1 else np.stack(each)


def noise(images, seed):
    return np.random.default_rng(seed).integers(0, 256, images.shape).astype("uint8")


def evaluate(photo, options, out_dir, **changes):
    options = dataclasses.replace(options, out_dir=str(out_dir), **changes)
    return session.evaluate(photo, options)


def metrics(out):
    """What metrics.json holds."""
    return json.loads((out / "metrics.json").read_text())


def rows(out):
    with open(out / "per_image.csv") as file:
        return list(csv.DictReader(file))


def stable(out):
    """What a second run must give again: all but time stamp and timings."""
    page = (out / "report.html").read_text()
    figures = metrics(out)
    del figures["settings"]["written"]
    for groups in ({"": figures["models"]}, *(figures[k] for k in ("buckets", "families"))):
        for models in groups.values():
            for entries in models.values():
                del entries["seconds_per_image"]
    del figures["classes"]
    table = [{k: v for k, v in row.items() if k != "seconds_per_image"} for row in rows(out)]
    pictures = re.findall(r"data:[^\"]*|<svg.*?</svg>", page, re.DOTALL)
    return figures, table, (out / "holes.jsonl").read_text(), pictures


def shown(out, name):
    """Indices of the pictures that the page shows of a model."""
    found = metrics(out)["shown"]
    own = found["models"][name]
    return {*found["even"], *own["best"], *own["worst"]}
