"""What `kinpaint.ablate` wrote."""

import csv
import functools
import json
import pathlib

import numpy as np

from kinpaint.ablation.comparison import read_scores
from pipelines.base.errors import UserError


class Ablation:
    """One study.

    Attributes:
        dir: its directory.
        name: the directory's own name.
        settings, variants: those parts of ablation.json.
        references: baselines scored beside the variants; may be empty.
        failed: {run: what went wrong}.
        metric: the one that the study is about.

    Raises:
        UserError: the directory holds no study.
    """

    def __init__(self, path):
        self.dir = pathlib.Path(path)
        self.name = self.dir.resolve().name
        try:
            study = json.loads((self.dir / "ablation.json").read_text())
            self.settings, self.variants = study["settings"], study["variants"]
            self.base, self.metric = self.settings["base"], self.settings["metric"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} has no readable ablation.json: {error}") from error
        self.references, self.failed = study.get("references", {}), study.get("failed", {})

    @functools.cached_property
    def scores_dir(self):
        """Directory of its evaluation; None without one."""
        directory = self.dir / "scores"
        return directory if (directory / "per_image.csv").is_file() else None

    def values(self, name, metric):
        """A variant's values, the mean of its seeds, float [pictures]; None without scores."""
        if not self.scores_dir:
            return None
        scores = read_scores(self.scores_dir)
        seeds = self.variants[name]["seeds"]
        labels = [name, *(f"{name} seed {seed}" for seed in seeds[1:])]
        found = [scores[label][metric] for label in labels if label in scores]
        return np.mean(found, axis=0) if found else None

    def network(self, name):
        """The variant's network, as its flags or its first run name it; None if neither."""
        from kinpaint.reporting.runs import network_of, read_flags

        given = [f for f in self.variants[name]["flags"] if f.startswith("--model=")]
        if given:
            return network_of({"model": given[-1].removeprefix("--model=")})
        runs = self.variants[name]["runs"]
        if runs and (pathlib.Path(runs[0]) / "flags.txt").is_file():
            return network_of(read_flags(runs[0]))
        return None

    def curve(self, metric="psnr_hole"):
        """{(variant, seed): [(CPU minutes, value)]} of curves.csv."""
        path = self.dir / "curves.csv"
        found = {}
        if path.is_file():
            with open(path, newline="") as file:
                for row in csv.DictReader(file):
                    if row["metric"] == metric:
                        point = (float(row["cpu_minutes"]), float(row["value"]))
                        found.setdefault((row["variant"], row["seed"]), []).append(point)
        return found
