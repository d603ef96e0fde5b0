"""All settings of a run, checked before TensorFlow is loaded."""

import dataclasses
import pathlib

from kinpaint import names
from kinpaint.options import LossOptions, ModelOptions, OptimizerOptions, TrainOptions
from pipelines import cli, masks
from pipelines.base.errors import UserError
from pipelines.options import FeedOptions, resolve


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
    options, rates, loss = settings.train, settings.optimizer, settings.loss
    if not options.run_dir and not options.dry_run:
        raise UserError("--run_dir is required: the directory that the run is kept in")
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
    if settings.model.critic != "none":
        names.one(settings.model.critic, names.CRITICS, "--critic")
    names.several(loss.losses, names.LOSSES, "--losses")
    for name, path in (
        ("warm_start", options.warm_start),
        ("feature_weights_dir", loss.feature_weights_dir),
    ):
        if path and not pathlib.Path(path).is_dir():
            raise UserError(f"--{name}={path} is no directory")
    photos = resolve(settings.photos)
    masks.parse(photos.masks)
    if rates.schedule == "cosine" and not rates.decay_steps:
        rates = dataclasses.replace(rates, decay_steps=options.steps)
    if options.dry_run:  # which takes steps on one device, one by one
        options = dataclasses.replace(options, strategy="one", steps_per_execution=1)
    return dataclasses.replace(settings, train=options, photos=photos, optimizer=rates)


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
    if settings.model.critic == "none":
        of_critic = (
            "adversarial",
            "adversarial_weight",
            "gradient_penalty",
            "critic_learning_rate",
        )
        found |= dict.fromkeys(of_critic, "with --critic")
    return found
