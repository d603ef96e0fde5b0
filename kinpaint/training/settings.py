"""All settings of a run, checked before TensorFlow is loaded."""

import dataclasses
import os
import pathlib

from kinpaint import names
from kinpaint.backend import check_tensorflow
from kinpaint.options import LossOptions, ModelOptions, OptimizerOptions, TrainOptions
from kinpaint.training import checkpoints, restoring
from pipelines import cli, masks, photos
from pipelines.base import identity
from pipelines.base.errors import UserError
from pipelines.options import FeedOptions, resolve

# Flags that name a folder, which may be spelled otherwise when a run goes on.
_PLACES = ("data_dir", "feature_weights_dir", "warm_start")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    train: TrainOptions
    photos: FeedOptions
    model: ModelOptions
    loss: LossOptions
    optimizer: OptimizerOptions

    def lines(self):
        """The settings as a flagfile's lines."""
        parts = (getattr(self, field.name) for field in dataclasses.fields(self))
        return [line for part in parts for line in cli.lines(part)]


def checked(settings):
    """The settings with everything told, and the cosine's end fixed so that a resume keeps it.

    Raises:
        UserError: settings that do not go together, or names of what there is not.
    """
    check_tensorflow("training")
    options, rates, loss = settings.train, settings.optimizer, settings.loss
    if pathlib.Path(options.run_dir).is_file():
        raise UserError(f"--run_dir={options.run_dir} is a file: name a directory")
    alone = {"steps_per_execution": options.steps_per_execution, "accumulate": rates.accumulate}
    for name, value in alone.items():
        if value > 1 and options.strategy != "one":
            raise UserError(f"--{name} above 1 works on one device only")
    for name in ("steps", "checkpoint_every", "validate_every", "pictures_every"):
        if getattr(options, name) % options.steps_per_execution:
            raise UserError(f"--{name} must be a multiple of --steps_per_execution")
    names.one(settings.model.model, names.MODELS, "--model")
    if settings.model.discriminator != "none":
        names.one(settings.model.discriminator, names.DISCRIMINATORS, "--discriminator")
    names.several(loss.losses, names.LOSSES, "--losses")
    kept = pathlib.Path(options.warm_start, "checkpoints")
    if options.warm_start and not any(kept.glob("*")):
        raise UserError(f"--warm_start: {options.warm_start} has no checkpoint")
    weights = loss.feature_weights_dir
    if weights and not pathlib.Path(weights).is_dir():
        raise UserError(
            f"--feature_weights_dir={weights} is no directory: make it with python -m "
            f"kinpaint.metrics.lpips_weights --out_dir={weights}"
        )
    photo = resolve(settings.photos)
    masks.parse(photo.masks)
    if rates.schedule == "cosine" and not rates.decay_steps:
        rates = dataclasses.replace(rates, decay_steps=options.steps)
    if options.dry_run:  # which takes steps on one device, one by one
        options = dataclasses.replace(options, strategy="one", steps_per_execution=1)
    return dataclasses.replace(settings, train=options, photos=photo, optimizer=rates)


def without_effect(settings):
    """Flags that do nothing beside the others: {name: when they would}."""
    options, loss = settings.train, settings.loss
    found = {}
    if options.strategy != "multi_worker":
        found["shard_files"] = "with --strategy=multi_worker"
    if settings.optimizer.schedule == "constant":
        found["decay_steps"] = "with --schedule=cosine"
    if not options.validate_every:
        found |= dict.fromkeys(("early_stop", "best_by"), "with --validate_every")
        if not options.pictures_every:
            found["validation_pictures"] = "with --validate_every or --pictures_every"
    used = {term.name for term in names.several(loss.losses, names.LOSSES, "--losses")}
    if not used & {"perceptual", "style"} and not options.best_by.startswith("lpips"):
        found["feature_weights_dir"] = (
            "with perceptual or style in --losses, or --best_by=lpips_*"
        )
    if loss.adversarial != "wgan_gp":
        found["gradient_penalty"] = "with --adversarial=wgan_gp"
    if settings.model.discriminator == "none":
        of_discriminator = (
            "adversarial",
            "adversarial_weight",
            "gradient_penalty",
            "discriminator_learning_rate",
        )
        found |= dict.fromkeys(of_discriminator, "with --discriminator")
    return found


def same_place(run_dir, name, now, then):
    """Whether a changed --data_dir and the like means the same: another spelling of the
    folder, or photographs or weights with the same content that were moved or copied.

    Args:
        run_dir: of the run that goes on.
        name: of the flag.
        now: its value.
        then: its recorded value.
    """
    if name not in _PLACES or not now or not pathlib.Path(now).is_dir():
        return False
    if os.path.realpath(now) == os.path.realpath(then):
        return True
    if name != "data_dir":
        return pathlib.Path(then).is_dir() and _files_of(now) == _files_of(then)
    path = checkpoints.newest(run_dir)
    photos_then = path and checkpoints.note(path).get("photos")
    if not photos_then:
        return False
    flags = restoring.flags_of(run_dir)
    found = photos.find(now, flags.get("split") or "train", flags.get("classes", ""))
    return photos_key(found) == photos_then


def _files_of(folder):
    """{name: key of its content} of the files right in a folder, such as one of weights."""
    paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    return dict(zip([path.name for path in paths], identity.contents(paths), strict=True))


def photos_key(found):
    """The key (`identity`) of a list of `photos.Photo`: names do not play a part, but order."""
    return identity.of(photos.contents(found))
