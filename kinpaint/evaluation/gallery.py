"""The pictures of the page, drawn again for the few that are shown and kept as PNG.

Nothing is kept during the pass, so that it needs no more memory or disk for many pictures
than for few. A deterministic model gives the scored filling again; of one that samples,
another draw is shown. Only photographs that may be shown are drawn at all.
"""

import dataclasses
import pathlib

import cv2
import numpy as np

from kinpaint.evaluation import export
from pipelines import stored

FOLDER = "gallery"
MASKED, TRUTH = "masked", "truth"  # folders beside the models'
HOLE_COLOUR = (255, 0, 170)  # no colour of fur, feather, grass or sky
EVEN, BEST, WORST = 8, 3, 6  # pictures shown: for all models alike, and of each its own


@dataclasses.dataclass(frozen=True)
class Gallery:
    """The kept pictures below an evaluation's directory.

    Attributes:
        root: the directory of the evaluation.
    """

    root: pathlib.Path

    def path(self, name, index):
        """Where a model's picture lies; `MASKED` and `TRUTH` are names too."""
        return export.path_of(self.root / FOLDER / name, index)

    def has(self, name, index):
        """Whether it is there."""
        return self.path(name, index).is_file()

    def read(self, name, index):
        """uint8 RGB [H, W, 3]."""
        return cv2.cvtColor(cv2.imread(str(self.path(name, index))), cv2.COLOR_BGR2RGB)


def choose(table, errors, allowed):
    """Which pictures are shown.

    Args:
        table: the `ScoreTable`.
        errors: of `analysis.analyse`.
        allowed: whether a photo, by its name, may be shown.

    Returns:
        {"even": indices from small to large holes, evenly, whatever the scores, shown for
        every model; "models": {name: {"best", "worst"}} of each model}.
    """
    pictures = table.pictures
    may = {
        index
        for index, image in zip(pictures["index"], pictures["image"], strict=True)
        if allowed(image)
    }
    by_hole = zip(pictures["hole_fraction"], pictures["index"], strict=True)
    ordered = [index for _, index in sorted(by_hole) if index in may]
    number = min(EVEN, len(ordered))
    even = [ordered[(2 * k + 1) * len(ordered) // (2 * number)] for k in range(number)]
    own = {
        name: {
            "best": [index for index in found["best"] if index in may][:BEST],
            "worst": [w["index"] for w in found["worst"] if w["index"] in may][:WORST],
        }
        for name, found in errors.items()
    }
    return {"even": even, "models": own}


def draw(job, shown):
    """Draws and keeps the chosen pictures of a `runner.Job`; returns their `Gallery`."""
    gallery = Gallery(pathlib.Path(job.options.out_dir))
    for name, key in {
        MASKED: job.picture_key,
        TRUTH: job.picture_key,
        **job.score_keys,
    }.items():
        export.claim(gallery.root / FOLDER / name, key)
    wanted = {
        name: {*shown["even"], *own["best"], *own["worst"]}
        for name, own in shown["models"].items()
    }
    everything = sorted(set().union(*wanted.values()))
    for indices, pictures in job.pictures(everything):
        for index, picture in zip(indices, pictures, strict=True):
            hole = job.holes[index]
            kept = {
                MASKED: np.where(hole, np.uint8(HOLE_COLOUR), picture),
                TRUTH: picture,
            }
            emptied = np.where(hole, np.uint8(0), picture)
            for contestant in job.contestants:
                if index in wanted[contestant.name]:
                    kept[contestant.name] = contestant.complete_batch(
                        emptied[None], hole[None], seed=job.seed + index
                    )[0]
            for name, array in kept.items():
                stored.write_png(gallery.path(name, index), array)
    return gallery
