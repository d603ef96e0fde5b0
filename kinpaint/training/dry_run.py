"""What a run would cost, measured on a few steps that are thrown away."""

import resource
import time

import numpy as np
import tensorflow as tf
from PIL import Image

from kinpaint import images
from pipelines import listing

_TIMED_STEPS = 3


def report(run, batch, settings):
    """Prints parameters, memory and time; writes RUN/dry_run.png. Saves nothing else.

    Args:
        run: the `Run`, of one device.
        batch: a training batch, {"image", "mask"}.
        settings: `settings.Settings`.
    """
    model = run.inpainter
    weights = model.network.count_params()
    discriminator = model.discriminator.count_params() if model.discriminator else 0
    print(
        f"generator {model.network.name}: {weights:,} parameters; "
        f"discriminator: {discriminator:,}"
    )
    before = _peak_megabytes()
    step = tf.function(model.update, jit_compile=settings.train.jit_compile)
    float(step(batch)["loss"])
    started = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        float(step(batch)["loss"])  # waits for a GPU, which works behind
    seconds = (time.perf_counter() - started) / _TIMED_STEPS
    steps = settings.train.steps - run.step
    print(f"memory: {_peak_megabytes() - before:,.0f} MB above what loading took")
    print(
        f"time: {seconds:.3f} s a step, {settings.photos.batch_size / seconds:.1f} pictures/s; "
        f"{steps:,} steps: {steps * seconds / 3600:.1f} h"
    )
    listing.mark_written(run.dir)
    _write_grid(batch, run.dir / "dry_run.png")
    print(f"pictures and holes of one batch: {run.dir / 'dry_run.png'}")


def _peak_megabytes():
    """What the step needs: memory of the GPU that trains, without one of the process."""
    if tf.config.list_logical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write_grid(batch, path):
    masked = images.composite(batch["image"], tf.ones_like(batch["image"]), batch["mask"])
    rows = [
        np.concatenate(list(np.asarray(images.to_uint8(x))), 1)
        for x in (masked, batch["image"])
    ]
    Image.fromarray(np.concatenate(rows, axis=0)).save(path)
