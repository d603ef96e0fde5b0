"""From settings to a finished run: builds the parts, restores, and runs the loop.

The order of a start:

1. devices and strategy; 2. photographs, before anything costly, so that a bad
directory fails at once; 3. networks and optimizers under the strategy;
4. the newest checkpoint of the run, else warm-start weights; 5. data from the
batch where the run stands; 6. callbacks and the loop.
"""

import pathlib
import signal

import keras

from kinpaint.metrics.lpips import Lpips
from kinpaint.training import (
    building,
    callbacks,
    checkpoints,
    dry_run,
    loop,
    restoring,
    strategy,
)
from kinpaint.training.run import Run
from kinpaint.training.settings import checked
from kinpaint.training.validation import Validation
from pipelines import cli, photos


def train(settings):
    """Trains or resumes as `settings` say; returns the `Run`.

    Raises:
        UserError: a setting, the photographs or the run directory will not do.
    """
    settings = checked(settings)
    options = settings.train
    print(f"devices: {strategy.prepare_devices()}; precision: {options.precision}", flush=True)
    devices = strategy.build(options.strategy)
    found = photos.find(
        settings.photos.data_dir, settings.photos.split, settings.photos.classes
    )
    keras.utils.set_random_seed(settings.photos.seed)
    with devices.scope():
        inpainter = building.build(settings)
        run = Run(
            options.run_dir,
            inpainter,
            keep=options.keep_checkpoints,
            chief=strategy.is_chief(devices),
        )
        _restore(run, settings)
    batches = iter(_batches(found, settings, devices, run.drawn))
    if options.dry_run:
        dry_run.report(run, next(batches), settings)
        return run
    listed = _callbacks(run, settings)
    _record_flags(run, settings)
    _stop_on_sigterm(run)
    loop.train(
        run,
        batches,
        devices,
        listed,
        steps=options.steps,
        group=options.steps_per_execution,
        jit_compile=options.jit_compile,
    )
    return run


def _restore(run, settings):
    if run.resume():
        print(f"resuming at step {run.step}", flush=True)
    elif settings.train.warm_start:
        path = checkpoints.newest(settings.train.warm_start)
        if path is None:
            raise cli.UserError(f"--warm_start: {settings.train.warm_start} has no checkpoint")
        count = restoring.warm_start(path, run.inpainter.network)
        print(f"warm start: {count} variables from {path}")


def _batches(found, settings, devices, drawn):
    """Training batches from batch `drawn` on, spread over the strategy's devices."""
    options, group = settings.photos, settings.train.steps_per_execution
    worker, workers = strategy.worker(devices)
    replicas = devices.num_replicas_in_sync
    if options.batch_size % replicas:
        raise cli.UserError(
            f"--batch_size={options.batch_size} must be a multiple of the {replicas} replicas"
        )

    own = settings.train.shard_files
    if own:
        share = photos.Share(shard=worker, num_shards=workers)
    else:
        share = photos.Share(part=worker, parts=workers)
    local = photos.training(
        found,
        options.image_size,
        options.masks,
        options.batch_size // workers if own else options.batch_size,
        options.seed,
        crop=options.crop,
        start=drawn * options.batch_size // (workers if own else 1),
        share=share,
        cache=options.cache,
        deterministic=options.deterministic,
        data_service=options.data_service,
    )
    if workers > 1:
        a_replica = options.batch_size // replicas
        return devices.distribute_datasets_from_function(lambda _: local.rebatch(a_replica))
    if replicas > 1:
        return devices.experimental_distribute_dataset(local)
    return local.batch(group) if group > 1 else local


def _validation(settings):
    """The pictures and holes of `kinpaint.eval --split=val --limit=N` at the run's settings."""
    options = settings.photos
    try:
        found = photos.find(options.data_dir, "val", options.classes)
    except cli.UserError as error:
        raise cli.UserError(
            f"{options.data_dir} has no photos to validate on (split 'val'): add some, or "
            "train with --validate_every=0 --pictures_every=0"
        ) from error
    chosen = photos.spread(list(enumerate(found)), settings.train.validation_pictures)
    data = photos.evaluation(
        [photo for _, photo in chosen],
        options.image_size,
        options.masks,
        batch_size=32,
        numbers=[number for number, _ in chosen],
    )
    return Validation(data, _lpips(settings))


def _lpips(settings):
    """The distance that --best_by asks for, or None; a UserError where it cannot be had."""
    _, is_lpips, net = settings.train.best_by.partition("lpips_")
    if not is_lpips:
        return None
    lpips = Lpips(net, settings.loss.feature_weights_dir)
    try:
        lpips.trunk.check_side(settings.photos.image_size)
    except ValueError as error:
        raise cli.UserError(f"--best_by={settings.train.best_by}: {error}") from error
    return lpips


def _record_flags(run, settings):
    """Writes the run's flags at its first start and again when a resume changed some."""
    if not run.chief:
        return
    run.dir.mkdir(parents=True, exist_ok=True)
    temporary = run.dir / "flags.tmp"
    temporary.write_text("\n".join(settings.lines()) + "\n")
    temporary.replace(pathlib.Path(run.dir) / "flags.txt")


def _stop_on_sigterm(run):
    def ask(number, frame):
        del number, frame
        run.stop = "stopped by SIGTERM"

    signal.signal(signal.SIGTERM, ask)


def _callbacks(run, settings):
    options, photo_options = settings.train, settings.photos
    recorder = callbacks.Recorder(
        run, options.log_every, photo_options.batch_size, settings.lines()
    )
    listed = [callbacks.Guard(run, options.on_nonfinite), recorder]
    if options.validate_every or options.pictures_every:
        fixed = _validation(settings)
        listed += [
            callbacks.Validate(
                run,
                recorder,
                fixed,
                options.validate_every,
                options.early_stop,
                options.best_by,
            ),
            callbacks.Pictures(run, recorder, fixed, options.pictures_every),
        ]
    limits = callbacks.Limits(run, options.limit_minutes, options.limit_cpu_minutes)
    listed += [callbacks.Save(run, options.checkpoint_every), limits]
    if options.profile_at:
        listed.append(callbacks.Profile(run, options.profile_at))
    if run.chief:
        listed.append(callbacks.Bar(run, options.steps, limits))
    return listed
