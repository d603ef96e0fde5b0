"""The pass over a directory: every file measured, joined with manifest and splits."""

import collections
import concurrent.futures
import dataclasses
import functools
import os
import pathlib

import numpy as np

from pipelines import cli, complexity, listing, quality, splits
from pipelines.exploration.measure import measure
from pipelines.inaturalist import journal


@dataclasses.dataclass(frozen=True)
class Survey:
    """Everything the sections report from.

    Attributes:
        root: the directory.
        rows: one dict a file, sorted by `path` (relative to `root`).
        manifest: path -> manifest row; empty without a manifest.
        mean_pictures: class -> float64 [64, 64, 3], 0 to 255.
        wanted: photos of each class that a scrape was asked for, if it is known.
    """

    root: pathlib.Path
    rows: list
    manifest: dict
    mean_pictures: dict
    wanted: int | None

    @functools.cached_property
    def good(self):
        """The rows of readable files."""
        return [row for row in self.rows if not row["error"]]

    @functools.cached_property
    def classes(self):
        """Names of the classes, sorted."""
        return sorted({row["class"] for row in self.rows})

    def column(self, name, rows=None):
        """One number a readable file (or of `rows`), float64 [N]."""
        return np.array([row[name] for row in (self.good if rows is None else rows)], float)

    def described(self):
        """(row, manifest row) of every file the manifest knows."""
        pairs = ((row, self.manifest.get(row["path"])) for row in self.rows)
        return [(row, told) for row, told in pairs if told]


def take(data_dir):
    """Surveys a directory; UserError where it holds no photograph."""
    root = pathlib.Path(data_dir)
    names = _names(root)
    paths = [root / name for name in names]
    manifest = listing.manifest(root)
    rows, counts = [], collections.Counter()
    sums = collections.defaultdict(lambda: np.zeros((64, 64, 3)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        measured = pool.map(_measured, paths)
        told = cli.progress(measured, total=len(paths), desc="measured", unit="photo")
        for name, split, (row, thumbnail) in zip(
            names, splits.assign(root, paths), told, strict=True
        ):
            label = listing.label(name)
            rows.append({"path": name, "class": label, "split": split} | row)
            if thumbnail is not None:
                sums[label] += thumbnail
                counts[label] += 1
    _add_complexity([row for row in rows if not row["error"]])
    means = {label: sums[label] / counts[label] for label in sorted(sums)}
    return Survey(root, rows, manifest, means, journal.settings(root).get("per_class"))


_SKIPPED = (
    "training skips it: animated, of many pages, or of a kind that TensorFlow cannot read"
)


def _measured(path):
    """What `measure` gives; a file that training cannot read is no good photo either."""
    data = path.read_bytes()
    row, thumbnail = measure(data)
    if not row["error"] and not _training_reads(data):
        return {key: row[key] for key in ("bytes", "sha256")} | {"error": _SKIPPED}, None
    return row, thumbnail


def _training_reads(data):
    import tensorflow as tf  # here: a folder without photos is told at once

    from pipelines import decode

    try:
        decode.probe(tf.constant(data))
    except tf.errors.OpError:
        return False
    return True


def near_pairs(survey):
    """Near-duplicate pairs as (row, row, bits)."""
    rows = survey.good
    pairs = quality.near_duplicates(
        [row["phash"] for row in rows], [row["phash_mirrored"] for row in rows]
    )
    return [(rows[i], rows[j], bits) for i, j, bits in pairs]


def _names(root):
    if not root.is_dir():
        raise cli.UserError(f"{root} is no directory: name one that holds photographs")
    found = listing.names(root)
    if not found:
        raise cli.UserError(f"{root} holds no photographs: expected CLASS/*.jpg below it")
    return found


def _add_complexity(rows):
    labels = [row["class"] for row in rows]
    score = complexity.scores(rows, labels)
    for row, value, third in zip(rows, score, complexity.terciles(score, labels), strict=True):
        row |= {"complexity": float(value), "tercile": third}
