"""The score table: a value for each picture, model and metric, and facts of the pictures.

It is what an evaluation ends in and what studies and reports begin with; on disk it is
`per_image.csv`, one row a model and picture.
"""

import csv
import dataclasses
import pathlib

import numpy as np

from kinpaint.metrics.aggregate import bucket_of
from kinpaint.metrics.registry import METRICS
from pipelines.base.errors import UserError

# Measured on the true picture under the hole, see `difficulty.describe`.
MEASURES = {
    "hole_fraction": "hole's share of the picture",
    "hole_width": "widest disc in the hole, px",
    "edge_density": "share of edges in the hole",
    "contrast": "contrast in the hole",
    "at_border": "hole touches the border",
}
_BEFORE = ("image", "class", "hole_fraction")  # columns in front of the metrics
_AFTER = ("family", *list(MEASURES)[1:])
_WORDS = ("image", "class", "family")


@dataclasses.dataclass(frozen=True)
class ScoreTable:
    """Scores by picture, model and metric.

    Attributes:
        models: names, in order.
        metrics: names, in the order of the registry.
        pictures: columns by name, one value a picture: "image", "class", "family", the
            `MEASURES`; of an evaluation also "index" and "sha256".
        values: float [pictures, models, metrics]; NaN where there is no value, infinite
            PSNR where a picture came back unchanged.
    """

    models: list
    metrics: list
    pictures: dict
    values: np.ndarray

    def column(self, model: str, metric: str) -> np.ndarray:
        """One model's values of one metric, float [pictures]."""
        return self.values[:, self.models.index(model), self.metrics.index(metric)]

    def by_model(self) -> dict:
        """{model: {metric: float [pictures]}}."""
        return {
            model: {metric: self.values[:, m, k] for k, metric in enumerate(self.metrics)}
            for m, model in enumerate(self.models)
        }

    def groups(self, by: str) -> dict:
        """Name -> bool [pictures] of each "bucket" of hole size, or value of a text column."""
        labels = self.pictures["hole_fraction" if by == "bucket" else by]
        if by == "bucket":
            labels = [bucket_of(fraction) for fraction in labels]
        labels = np.asarray(labels)
        return {str(label): labels == label for label in np.unique(labels)}

    def save(self, path) -> None:
        """Writes `per_image.csv`; an empty field is a value that is not defined."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["model", *_BEFORE, *self.metrics, *_AFTER])
            for m, model in enumerate(self.models):
                for row, values in enumerate(self.values[:, m]):
                    before, after = (
                        [self.pictures[column][row] for column in columns]
                        for columns in (_BEFORE, _AFTER)
                    )
                    writer.writerow([model, *before, *map(_text, values), *after])

    @classmethod
    def load(cls, path) -> "ScoreTable":
        """Reads what `save` wrote.

        Raises:
            UserError: the file is missing or damaged, or its models were not scored on
                the same pictures.
        """
        rows = _rows(path)
        header = rows[0].keys()
        metrics = [name for name in METRICS if name in header]
        by_model = {}
        for row in rows:
            by_model.setdefault(row["model"], []).append(row)
        first, *others = by_model.values()
        for other in others:
            if [row["image"] for row in other] != [row["image"] for row in first]:
                raise UserError(
                    f"{path}: {other[0]['model']} and {first[0]['model']} have other pictures: "
                    f"score them again in one run of kinpaint.eval"
                )
        try:
            values = [
                [[_number(row[metric]) for metric in metrics] for row in model]
                for model in by_model.values()
            ]
            pictures = {
                name: [row[name] if name in _WORDS else float(row[name]) for row in first]
                for name in (*_BEFORE, *_AFTER)
                if name in header
            }
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is damaged ({error}): score again") from error
        return cls(list(by_model), metrics, pictures, np.swapaxes(np.array(values), 0, 1))


def _rows(path):
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {pathlib.Path(path)}: {error}") from error
    if not rows or not {"model", *_BEFORE} <= rows[0].keys():
        raise UserError(f"{path} is no per_image.csv of kinpaint.eval, or holds no picture")
    return rows


def _text(value):
    return "" if np.isnan(value) else f"{value:.6g}"


def _number(text):
    return float(text or "nan")
