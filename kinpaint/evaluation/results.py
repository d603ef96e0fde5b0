"""The records of a finished evaluation as arrays: a row a picture, in order of index."""

import dataclasses

import numpy as np

from kinpaint.evaluation.difficulty import DISTANCES
from kinpaint.evaluation.runner import unpacked
from kinpaint.metrics import frechet
from kinpaint.metrics.aggregate import bucket_of

METRICS = (
    "psnr",
    "psnr_hole",
    "ssim",
    "ms_ssim",
    "ms_ssim_4s",
    "ms_ssim_3s",
    "l1",
    "l1_hole",
    "lpips_alex",
    "lpips_squeeze",
    "lpips_vgg",
    "diversity_lpips",
    "diversity_lpips_hole",
    "psnr_best_of_k",
    "seconds_per_image",
)
MEASURES = ("hole_fraction", "hole_width", "edge_density", "contrast", "at_border")
_MOST_FEATURES = 10_000  # pictures that set distances are taken over, at most


@dataclasses.dataclass(frozen=True)
class Results:
    """What was scored and how well.

    Attributes:
        names: the contestants', in order.
        metrics: those that were had, in the order of `METRICS`.
        pictures: columns by name: "index", "image", "class", "family", "sha256" and
            `MEASURES`, each a list or array of one value a picture.
        values: float [pictures, contestants, metrics]; NaN where there is no value.
        errors: by name, float [2, bins]: sums of errors and numbers of hole pixels in
            each bin of distance to the nearest known pixel.
        changed: by name, how many pictures came back with changed known pixels.
        unread: names of the photos that could not be read.
    """

    names: list
    metrics: list
    pictures: dict
    values: np.ndarray
    errors: dict
    changed: dict
    unread: list

    def column(self, name, metric):
        """One contestant's values of one metric, float [pictures]."""
        return self.values[:, self.names.index(name), self.metrics.index(metric)]

    def groups(self, by):
        """Name -> bool [pictures] of the "bucket"s, or of the values of a text column."""
        if by == "bucket":
            labels = [bucket_of(fraction) for fraction in self.pictures["hole_fraction"]]
        else:
            labels = self.pictures[by]
        labels = np.asarray(labels)
        return {str(label): labels == label for label in np.unique(labels)}


def missing(job, records):
    """How many (picture, contestant) pairs have no scores yet."""
    done = sum(1 for _ in _scored(job, records))
    unread = sum(1 for record in records.read({job.picture_key}) if "unread" in record)
    return len(job.contestants) * (len(job.photos) - unread) - done


def collect(job, records):
    """Reads the job's records into a `Results`."""
    names = [contestant.name for contestant in job.contestants]
    columns = ("index", "image", "class", "family", "sha256", *MEASURES)
    found, unread = [], []
    for record in records.read({job.picture_key}):
        if "unread" in record:
            unread.append(record["image"])
        else:
            found.append([record[column] for column in columns])  # features stay on disk
    found.sort()
    pictures = {column: [row[i] for row in found] for i, column in enumerate(columns)}
    rows = {index: row for row, index in enumerate(pictures["index"])}
    values = np.full((len(found), len(names), len(METRICS)), np.nan)
    errors = {name: np.zeros((2, len(DISTANCES))) for name in names}
    changed = dict.fromkeys(names, 0)
    for name, record in _scored(job, records):
        scores = [record["scores"].get(metric, np.nan) for metric in METRICS]
        values[rows[record["index"]], names.index(name)] = scores
        errors[name] += record["errors"]
        changed[name] += record["known_changed"]
    had = [i for i in range(len(METRICS)) if not np.isnan(values[..., i]).all()]
    metrics = [METRICS[i] for i in had]
    return Results(names, metrics, pictures, values[..., had], errors, changed, sorted(unread))


def set_distances(job, records):
    """Frechet distance and KID of each contestant's pictures to the true ones.

    Over trunk features and named after them; empty without a trunk, or under 20 pictures.
    At most the first 10,000 pictures take part, as the "n" of each entry says.
    """
    trunk = job.scorer.embedding
    if not trunk:
        return {}
    first = set(sorted(job.photos)[:_MOST_FEATURES])
    truth = _features(records, job.picture_key, first)
    if len(truth) < 2 * frechet.GROUPS:
        return {}
    distances = {}
    for name, key in job.score_keys.items():
        own = _features(records, key, first)
        distances[name] = {
            f"frechet_lpips_{trunk}": frechet.with_interval(frechet.frechet, own, truth),
            f"kid_lpips_{trunk}": frechet.with_interval(frechet.kid, own, truth),
        }
    return distances


def _scored(job, records):
    """(contestant's name, record) of every score: one record can serve two labels."""
    names = {}
    for name, key in job.score_keys.items():
        names.setdefault(key, []).append(name)
    for record in records.read(set(names)):
        for name in names[record["key"]]:
            yield name, record


def _features(records, key, indices):
    found = {}
    for record in records.read({key}):
        if record.get("features") and record["index"] in indices:
            found[record["index"]] = unpacked(record["features"])
    return np.stack([found[index] for index in sorted(found)]) if found else np.zeros((0, 1))
