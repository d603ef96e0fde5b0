"""From settings to a `runner.Job`: which pictures, which holes, which models."""

import datetime
import platform

import cv2
import keras
import numpy as np
import skimage
import tensorflow as tf

import kinpaint
from kinpaint.evaluation import contestants
from kinpaint.evaluation.holes import Holes, ListedHoles
from kinpaint.evaluation.results import METRICS
from kinpaint.evaluation.runner import Job
from kinpaint.evaluation.scores import Scorer
from kinpaint.metrics.aggregate import UNRANKED
from kinpaint.metrics.lpips import NETS
from pipelines import photos
from pipelines.base.errors import UserError


def prepare(photo, options):
    """The job that the options ask for.

    Args:
        photo: `pipelines.options.PhotoOptions`, its level resolved.
        options: `EvalOptions`.

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    nets = _nets(options.lpips)
    if not options.out_dir:
        raise UserError("say where the report goes: --out_dir=DIR")
    if options.rank_by not in (known := [m for m in METRICS if m not in UNRANKED]):
        raise UserError(f"--rank_by={options.rank_by} is none of {', '.join(known)}")
    if options.samples < 1 or options.limit < 0:
        raise UserError("--samples must be at least 1, --limit at least 0")
    holes = _holes(photo, options)
    chosen = _photos(photo, options, holes)
    scorer = Scorer(holes.image_size, nets, options.weights_dir, options.samples)
    if reason := scorer.reasons.get(options.rank_by):
        raise UserError(
            f"--rank_by={options.rank_by} cannot be had ({reason}): choose another metric"
        )
    return Job(
        contestants=contestants.gather(options.model, options.baselines),
        photos=chosen,
        pictures=lambda indices: _batches(chosen, indices, holes.image_size, photo.batch_size),
        holes=holes,
        scorer=scorer,
        options=options,
        seed=photo.seed,
        batch_size=photo.batch_size,
    )


def share(shard, indices):
    """The part of sorted indices that `shard`, "i/n" counted from 1, has to score."""
    part, slash, parts = shard.partition("/")
    if not (slash and part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise UserError(f"--shard={shard} must be written i/n with 1 <= i <= n, such as 1/2")
    return indices[int(part) - 1 :: int(parts)]


def settings(photo, job):
    """Everything that the figures depend on, for the report."""
    options = job.options
    return {
        "data_dir": photo.data_dir,
        "split": photo.split,
        "image_size": job.holes.image_size,
        "masks": job.holes.masks,
        "seed": job.holes.seed,
        "holes": options.holes,
        "limit": options.limit,
        "batch_size": photo.batch_size,
        "samples": options.samples,
        "rank_by": options.rank_by,
        "save_pictures": options.save_pictures,
        "lpips_trunks": job.scorer.identity,
        "models": {
            c.name: {"source": c.source, "fingerprint": c.fingerprint} for c in job.contestants
        },
        "versions": {
            "kinpaint": kinpaint.__version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            "scikit-image": skimage.__version__,
        },
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _nets(text):
    nets = [] if text == "none" else text.split(",")
    for net in nets:
        if net not in NETS:
            raise UserError(f"--lpips={text}: {net!r} is none of {', '.join(NETS)}")
    return nets


def _holes(photo, options):
    if options.holes:
        return ListedHoles(options.holes)
    return Holes(photo.masks, photo.image_size, photo.seed)


def _photos(photo, options, holes):
    """Index -> photo; those of a list of holes by name, else those found, in order."""
    if not isinstance(holes, ListedHoles):
        found = photos.find(photo.data_dir, photo.split, photo.classes)
        return dict(_spread(list(enumerate(found)), options.limit))
    found = {one.name: one for one in photos.find(photo.data_dir)}
    listed = _spread(list(holes.rows.items()), options.limit)
    lost = [row["image"] for _, row in listed if row["image"] not in found]
    if lost:
        raise UserError(
            f"{len(lost)} pictures of {options.holes} are not in {photo.data_dir}, "
            f"{lost[0]} for one: give the --data_dir it was made with"
        )
    return {index: found[row["image"]] for index, row in listed}


def _spread(items, limit):
    """At most `limit` of them (0: all), evenly: in the order of names a start is one class."""
    if not limit or limit >= len(items):
        return items
    return [items[k * len(items) // limit] for k in range(limit)]


def _batches(chosen, indices, image_size, batch_size):
    """Yields (indices, uint8 [N, S, S, 3]) of what can be read."""
    if not indices:
        return
    dataset = photos.evaluation(
        [chosen[index] for index in indices], image_size=image_size, batch_size=batch_size
    )
    for batch in dataset.as_numpy_iterator():
        pixels = np.rint((batch["image"] + 1.0) * 127.5).astype("uint8")
        yield [indices[place] for place in batch["index"]], pixels
