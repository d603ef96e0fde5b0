"""From settings to a `runner.Job`: which pictures, which holes, which models."""

import datetime
import platform

import numpy as np

import pipelines.masks
from kinpaint.backend import check_tensorflow
from kinpaint.evaluation import contestants
from kinpaint.evaluation.options import nets_of
from kinpaint.evaluation.runner import Job
from kinpaint.evaluation.versions import versions
from kinpaint.metrics.registry import METRICS
from pipelines import photos, terms
from pipelines.base.errors import UserError
from pipelines.base.late import tf
from pipelines.masks.published import Holes, ListedHoles
from pipelines.options import resolve


def check(photo, options):
    """What can be said before a model is opened and TensorFlow is loaded.

    Args:
        photo: `pipelines.options.PhotoOptions`.
        options: `EvalOptions`.

    Returns:
        Index -> photo of those to score, and the `ListedHoles` of --holes or None.

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    check_tensorflow("scoring")
    if not options.out_dir:
        raise UserError("say where the report goes: --out_dir=DIR")
    if options.rank_by not in (known := [m.name for m in METRICS.values() if m.ranked]):
        raise UserError(f"--rank_by={options.rank_by} is none of {', '.join(known)}")
    contestants.named(options.model, options.baselines)
    settled = resolve(photo, split="val")
    pipelines.masks.parse(settled.masks)
    if options.holes:
        listed = ListedHoles(options.holes)
        _check_listed(photo, listed)
        return _listed_photos(photo, options, listed), listed
    found = photos.find(settled.data_dir, settled.split, settled.classes)
    return dict(photos.spread(list(enumerate(found)), options.limit)), None


def prepare(photo, options):
    """The job that the options ask for; the models' own size and holes unless told.

    Args:
        photo: `pipelines.options.PhotoOptions`.
        options: `EvalOptions`.

    Raises:
        UserError: what is missing, contradictory or unreadable.
    """
    chosen, listed = check(photo, options)
    from kinpaint.evaluation.scores import Scorer  # it loads TensorFlow: after what may fail

    opened = contestants.gather(options.model, options.baselines)
    if listed:
        holes, photo = listed, resolve(photo, split="listed")
    else:
        photo = resolve(photo, contestants.own_settings(opened, photo), split="val")
        holes = Holes(photo.masks, photo.image_size, photo.seed)
    scorer = Scorer(
        holes.image_size, nets_of(options.lpips), options.weights_dir, options.samples
    )
    if reason := scorer.reasons.get(options.rank_by):
        raise UserError(
            f"--rank_by={options.rank_by} cannot be had ({reason}): choose another metric"
        )
    return Job(
        contestants=opened,
        photos=chosen,
        pictures=lambda indices: _batches(chosen, indices, holes.image_size, photo.batch_size),
        holes=holes,
        scorer=scorer,
        options=options,
        photo=photo,
        seed=photo.seed,
        batch_size=photo.batch_size,
    )


def settings(job):
    """Everything that the figures depend on, for the report."""
    options, photo = job.options, job.photo
    return {
        "data_dir": photo.data_dir,
        "split": photo.split,
        "classes": photo.classes,
        "image_size": job.holes.image_size,
        "masks": job.holes.masks,
        "seed": job.holes.seed,
        "holes": options.holes,
        "limit": options.limit,
        "batch_size": photo.batch_size,
        "samples": options.samples,
        "rank_by": options.rank_by,
        "save_pictures": options.save_pictures,
        "show": list(options.show),
        "lpips_trunks": job.scorer.identity,
        "models": {
            c.name: {"source": c.source, "fingerprint": c.fingerprint} for c in job.contestants
        },
        "versions": versions() | {"python": platform.python_version()},
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _check_listed(photo, listed):
    """Raises UserError where a size, holes or level told beside a list are not the list's."""
    told = resolve(photo) if photo.level else photo
    if told.image_size not in (None, listed.image_size):
        raise UserError(
            f"--image_size={told.image_size}: the holes of {listed.path} are of "
            f"{listed.image_size} pixels: leave --image_size and --level out, or --holes"
        )
    if told.masks and terms.parse(told.masks) != terms.parse(listed.masks):
        raise UserError(
            f"--masks={told.masks}: the holes of {listed.path} are {listed.masks}: leave "
            "--masks and --level out, or --holes"
        )


def _listed_photos(photo, options, listed):
    """Index -> photo of those that a list of holes names."""
    found = photos.find(photo.data_dir, photo.split or "all", photo.classes or "")
    found = {one.name: one for one in found}
    wanted = photos.spread(list(listed.rows.items()), options.limit)
    lost = [row["image"] for _, row in wanted if row["image"] not in found]
    if lost:
        where = f"{photo.data_dir}, split {photo.split}" if photo.split else photo.data_dir
        raise UserError(
            f"{len(lost)} pictures of {options.holes} are not in {where}, "
            f"{lost[0]} for one: give the --data_dir it was made with, and no other --split or "
            "--classes"
        )
    return {index: found[row["image"]] for index, row in wanted}


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
