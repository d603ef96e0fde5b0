"""The records of a finished evaluation as a score table, in order of the pictures' index."""

import dataclasses

import numpy as np

from kinpaint.evaluation.difficulty import DISTANCES
from kinpaint.evaluation.runner import unpacked
from kinpaint.evaluation.table import MEASURES, ScoreTable
from kinpaint.metrics import frechet
from kinpaint.metrics.registry import METRICS

_MOST_FEATURES = 10_000  # pictures that set distances are taken over, at most


@dataclasses.dataclass(frozen=True)
class Results:
    """What was scored and how well.

    Attributes:
        table: the `ScoreTable`.
        errors: by name, float [2, bins]: sums of errors and numbers of hole pixels in
            each bin of distance to the nearest known pixel.
        changed: by name, how many pictures came back with changed known pixels.
        unread: names of the photos that could not be read.
    """

    table: ScoreTable
    errors: dict
    changed: dict
    unread: list


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
    metrics = [name for i, name in enumerate(METRICS) if i in had]
    table = ScoreTable(names, metrics, pictures, values[..., had])
    return Results(table, errors, changed, sorted(unread))


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
