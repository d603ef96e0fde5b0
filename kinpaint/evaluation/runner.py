"""The pass over the pictures: complete, score, append; a batch at a time.

Memory is that of one batch and the models, however many pictures there are. A
second run, or another process with another `--shard`, skips what is recorded.
"""

import base64
import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable

import numpy as np

import pipelines.photos
from kinpaint.evaluation import difficulty, export
from kinpaint.evaluation.versions import versions
from pipelines import cli
from pipelines.base import identity
from pipelines.masks import published

DIGITS = 6  # significant digits kept: those beyond depend on the make-up of the batch


@dataclasses.dataclass(frozen=True)
class Job:
    """Everything that a pass needs.

    Attributes:
        contestants: `contestants.Contestant`s.
        photos: index -> `pipelines.photos.Photo`.
        pictures: a list of indices -> batches of (indices, uint8 [N, S, S, 3]); what
            cannot be read is left out.
        holes: `holes.Holes` or `holes.ListedHoles`.
        scorer: a `scores.Scorer`.
        options: the `EvalOptions`.
        photo: the `pipelines.options.PhotoOptions`, everything told.
        seed: of the models' sampling.
        batch_size: pictures completed and scored at once.
    """

    contestants: list
    photos: dict
    pictures: Callable
    holes: object
    scorer: object
    options: object
    photo: object
    seed: int
    batch_size: int

    @functools.cached_property
    def picture_key(self):
        """Key of the records that say what was scored: photographs, holes, libraries."""
        named = [[index, photo.name] for index, photo in self.photos.items()]
        return identity.of(
            named, self.contents, self.holes.made_of(), versions(), self.scorer.identity
        )

    @property
    def folders(self):
        """Folder of PNGs that are asked for -> key of what they show."""
        out_dir, found = pathlib.Path(self.options.out_dir), {}
        if self.options.save_holes:
            found[out_dir / "holes"] = self.picture_key
        if self.options.save_pictures:
            keys = {"truth": self.picture_key, **self.score_keys}
            found |= {out_dir / export.FOLDER / name: key for name, key in keys.items()}
        return found

    @functools.cached_property
    def contents(self):
        """The key of each photograph's content, in the order of `photos`."""
        return pipelines.photos.contents(self.photos.values())

    @functools.cached_property
    def score_keys(self):
        """Contestant's name -> key of the records of its scores."""
        # A batch's size decides the seconds of a picture, and what several samples draw.
        common = [self.picture_key, self.seed, self.options.samples, self.batch_size]
        return {c.name: identity.of(*common, c.fingerprint) for c in self.contestants}


def run(job, records, indices):
    """Scores the pictures of these indices that the records lack."""
    keys = {job.picture_key, *job.score_keys.values()}
    done = records.done(keys)
    unread = {r["index"] for r in records.read({job.picture_key}) if "unread" in r}
    undrawn = _undrawn(job, indices)
    todo = [
        i
        for i in indices
        if i not in unread and (i in undrawn or any((key, i) not in done for key in keys))
    ]
    run_pass, seen = _Pass(job, records, done, undrawn), set()
    with cli.progress(
        total=len(indices), initial=len(indices) - len(todo), desc="score"
    ) as bar:
        for batch, pictures in job.pictures(todo):
            run_pass.score(batch, pictures)
            seen.update(batch)
            bar.update(len(batch))
    records.add(_unread(job, index) for index in todo if index not in seen)


def _undrawn(job, indices):
    """Those of the indices of which a PNG is asked for that is not there."""
    folders = job.folders
    for folder, key in folders.items():
        export.claim(folder, key)
    return {i for i in indices if not all(export.path_of(f, i).exists() for f in folders)}


def _unread(job, index):
    """The record of a photo that cannot be read, so that no scores are awaited."""
    name = job.photos[index].name
    return {"key": job.picture_key, "index": index, "image": name, "unread": True}


class _Pass:
    """One pass: knows which contestants are still cold."""

    def __init__(self, job, records, done, undrawn):
        self._job, self._records, self._done = job, records, done
        self._undrawn = undrawn
        self._keys = job.score_keys
        self._cold = {contestant.name for contestant in job.contestants if contestant.warm_up}

    def score(self, indices, pictures):
        """Scores every contestant on one batch and records it."""
        job = self._job
        masks = np.stack([job.holes[index] for index in indices])
        pictures, masks = (_filled_up(x, job.batch_size) for x in (pictures, masks))
        truth = job.scorer.truth(pictures)
        self._record_pictures(indices, pictures, masks, truth)
        for contestant in job.contestants:
            key = self._keys[contestant.name]
            todo = any((key, index) not in self._done for index in indices)
            if todo or not self._undrawn.isdisjoint(indices):
                samples, seconds = self._complete(contestant, indices, pictures, masks)
                if job.options.save_pictures:
                    export.save(job.options.out_dir, contestant.name, indices, samples[0])
                self._record_scores(key, indices, pictures, masks, truth, samples, seconds)

    def _complete(self, contestant, indices, pictures, masks):
        """Samples uint8 [K, N, S, S, 3], and the seconds that one picture took."""
        emptied = np.where(masks, np.uint8(0), pictures)
        settings = {"seed": self._job.seed + indices[0], "samples": self._job.options.samples}
        if contestant.name in self._cold:
            contestant.complete_batch(emptied, masks, **settings)
            self._cold.remove(contestant.name)
        start = time.perf_counter()
        samples = contestant.complete_batch(emptied, masks, **settings)
        seconds = (time.perf_counter() - start) / (len(pictures) * settings["samples"])
        return np.reshape(samples, (-1, *pictures.shape)), seconds

    def _record_pictures(self, indices, pictures, masks, truth):
        job = self._job
        features = _packed(job.scorer.embed(truth), len(pictures))
        self._records.add(
            {
                "key": job.picture_key,
                "index": index,
                "image": job.photos[index].name,
                "class": job.photos[index].label,
                "family": job.holes.family(index),
                "sha256": published.checksum(masks[i]),
                "features": features[i],
                **_rounded(difficulty.describe(pictures[i], masks[i])),
            }
            for i, index in enumerate(indices)
            if (job.picture_key, index) not in self._done
        )
        if job.options.save_holes:
            for i, index in enumerate(indices):
                published.write_png(published.png_path(job.options.out_dir, index), masks[i])
        if job.options.save_pictures:
            export.save(job.options.out_dir, "truth", indices, pictures)

    def _record_scores(self, key, indices, pictures, masks, truth, samples, seconds):
        values, embedded = self._job.scorer.score(truth, samples, masks)
        features = _packed(embedded, len(pictures))
        known = ~masks & (samples != pictures)
        self._records.add(
            {
                "key": key,
                "index": index,
                "scores": _rounded({name: value[i] for name, value in values.items()})
                | {"seconds_per_image": seconds},
                "known_changed": bool(known[:, i].any()),
                "errors": difficulty.errors_by_distance(pictures[i], samples[0, i], masks[i]),
                "features": features[i],
            }
            for i, index in enumerate(indices)
            if (key, index) not in self._done
        )


def _filled_up(batch, size):
    """The batch with its first element repeated up to `size`.

    At one size a picture's scores do not depend on which others are in its batch, nor
    on how many processes share the work; and nothing is compiled twice. Several samples
    of a model that draws are the exception: what is drawn depends on the place in a batch.
    """
    return np.concatenate([batch, np.repeat(batch[:1], size - len(batch), axis=0)])


def _rounded(values):
    return {name: float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def _packed(features, count):
    """float32 features as text, one string a picture; None without a trunk."""
    if features is None:
        return [None] * count
    return [base64.b64encode(feature.astype("<f4").tobytes()).decode() for feature in features]


def unpacked(text):
    """The float32 vector that a record's "features" holds."""
    return np.frombuffer(base64.b64decode(text), "<f4")
