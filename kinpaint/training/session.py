"""From settings to a finished run: builds the parts, restores, and runs the loop.

The order of a start:

1. devices and strategy; 2. photographs, before anything costly, so that a bad
directory fails at once; 3. networks and optimizers under the strategy;
4. the newest checkpoint of the run, else warm-start weights; 5. data from the
batch where the run stands; 6. callbacks and the loop.
"""

import contextlib
import signal
import threading

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
from kinpaint.training.settings import Settings, checked, photos_key
from kinpaint.training.validation import Validation
from pipelines import cli, photos
from pipelines.base import files


def train(settings: Settings) -> Run:
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
    if options.dry_run:  # which reads the run and changes nothing of it
        _restore(run, settings, devices)
        dry_run.report(run, next(iter(_batches(found, settings, devices, run.drawn))), settings)
        return run
    with _held(run):
        _restore(run, settings, devices)
        _compare_photos(run, found)
        batches = iter(_batches(found, settings, devices, run.drawn))
        listed = _callbacks(run, settings)
        _record_flags(run, settings)
        with _stopped_by_signals(run):
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


@contextlib.contextmanager
def _held(run):
    """The run directory for this training alone; the chief holds it for all workers of a job.

    A directory that was made for the lock goes again where nothing else came into it.
    """
    if not run.chief:
        yield
        return
    try:
        with files.Lock(run.dir, "training"):
            checkpoints.sweep(run.dir)
            yield
    finally:
        with contextlib.suppress(OSError):  # what was written in it keeps it
            run.dir.rmdir()


def _restore(run, settings, devices):
    with devices.scope():
        found = run.resume()
    if found:
        print(f"resuming at step {run.step}", flush=True)
    elif settings.train.warm_start:
        path = checkpoints.newest(settings.train.warm_start)
        if path is None:
            raise cli.UserError(f"--warm_start: {settings.train.warm_start} has no checkpoint")
        count = restoring.warm_start(path, run.inpainter.network)
        print(f"warm start: {count} variables from {path}")


def _compare_photos(run, found):
    """Keeps what the run trains on, by its content; says so where it is not what it was."""
    if not run.chief:
        return
    now = photos_key(found)
    if run.photos not in ("", now):
        print(f"the {len(found):,} photographs are not those that the run trained on so far")
    run.photos = now


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
    files.write(run.dir / "flags.txt", "\n".join(settings.lines()) + "\n")


@contextlib.contextmanager
def _stopped_by_signals(run):
    """Within, SIGTERM and Ctrl-C end the run after its step, with a checkpoint.

    Afterwards the process has its own handlers again. A second Ctrl-C does not wait.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # where Python allows no handlers
        return
    before = {}

    def ask(number, frame):
        if run.stop and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        run.stop = "stopped by Ctrl-C" if number == signal.SIGINT else "stopped by SIGTERM"
        print(f"{run.stop}: saving after this step", flush=True)

    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup and scripts leave it
                before[number] = signal.signal(number, ask)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _callbacks(run, settings):
    options, photo_options = settings.train, settings.photos
    recorder = callbacks.Recorder(
        run, options.log_every, photo_options.batch_size, settings.lines()
    )
    listed = [
        callbacks.Guard(run, options.on_nonfinite, recorder),
        recorder,
        callbacks.SaveAtOnce(run),
    ]
    if options.validate_every or options.pictures_every:
        fixed = _validation(settings)
        listed += [
            callbacks.Pictures(run, recorder, fixed, options.pictures_every),
            callbacks.Validate(
                run,
                recorder,
                fixed,
                options.validate_every,
                options.early_stop,
                options.best_by,
            ),
        ]
    limits = callbacks.Limits(run, options.limit_minutes, options.limit_cpu_minutes)
    listed += [callbacks.Save(run, options.checkpoint_every), limits]
    if options.profile_at:
        listed.append(callbacks.Profile(run, options.profile_at))
    if run.chief:
        listed.append(callbacks.Bar(run, options.steps, limits))
    return listed
