"""Writes one servable version: checked before anybody can see it.

A version is written under a temporary name beside its final one, opened again
as a server would open it, compared with the network it came from, and only then
renamed. A server that polls the directory never meets half a version. A model is exported
by one process at a time.
"""

import json
import pathlib

import numpy as np
import tensorflow as tf

from kinpaint import loading
from kinpaint.serving import card as cards
from kinpaint.serving import lite, signatures, warmup
from pipelines.base import files
from pipelines.base.errors import UserError

SIZES = ((64, 64), (65, 43), (256, 256))  # height, width: what is compared


def export_run(
    run_dir,
    name,
    models_dir="saved_models",
    weights="",
    checkpoint="newest",
    depth=0,
    tflite=(),
):
    """Exports the generator of a run; returns the new version's directory.

    Args:
        run_dir: a training run.
        name: of the model.
        models_dir: where models live; the version is models_dir/name/<next integer>.
        weights: "raw" or "ema"; "": the averaged ones where the run keeps them.
        checkpoint: "newest" or "best".
        depth: pixels from a hole's edge to which it is trusted in pictures larger than those
            it trained on (`completion.fill`); 0: an eighth of their side.
        tflite: kinds of TFLite files to write beside the SavedModel, of `lite.KINDS`.

    Raises:
        UserError: nothing was exported, and why.
    """
    from kinpaint.training.restoring import restore_generator

    if not name or name != pathlib.PurePath(name).name or name.startswith("."):
        raise UserError(f"--name={name!r} is no directory name: give one word, such as gated")
    lite.check_kinds(tflite)
    network, info = restore_generator(run_dir, weights, checkpoint)
    card = cards.describe(network, name, run_dir, info["weights"], info)
    card["depth"] = depth or max(card["image_size"] // 8, 1)
    return export_network(network, pathlib.Path(models_dir) / name, card, tflite)


def export_network(network, base, card, tflite=()):
    """Writes `network` as the next version below `base`; returns its directory."""
    if tflite:
        lite.check_model(card["model"])
    base = pathlib.Path(base)
    try:
        with files.Lock(base, "export"):
            files.sweep(base)
            return _export(network, base, card, tflite)
    except OSError as error:
        raise UserError(f"cannot write below {base}: {error.strerror or error}") from error


def _export(network, base, card, tflite):
    unfinished = files.scratch(base / "version")  # hidden: a server passes it over
    try:
        _write(network, unfinished, card)
        warmup.write(unfinished, card["name"])
        for kind in tflite:
            lite.write(unfinished, network, kind, card["image_size"])
        _check(unfinished, network, card)
        files.sync(unfinished)
        return _rename_to_next_version(unfinished, base)
    finally:
        files.remove(unfinished)


def _write(network, path, card):
    module = signatures.of(network, card)
    try:
        tf.saved_model.save(module, path, signatures=module.exported)
    except tf.errors.OpError as error:  # a full disk
        raise OSError(error.message) from error
    (path / loading.CARD).write_text(json.dumps(card, indent=2) + "\n")


def _check(path, network, card):
    """Raises a UserError unless the version answers as its network does."""
    inside = signatures.of(network, card)
    outside = tf.saved_model.load(path).signatures["serving_default"]
    rng = np.random.default_rng(0)
    for height, width in SIZES:
        image = rng.integers(0, 256, (1, height, width, 3), np.uint8)
        mask = np.zeros((1, height, width, 1), np.uint8)
        mask[:, height // 4 : height // 2, width // 4 : width // 2] = 255
        expected = inside.complete(tf.constant(image), tf.constant(mask))["completed"].numpy()
        found = outside(image=tf.constant(image), mask=tf.constant(mask))["completed"].numpy()
        difference = np.abs(found.astype(int) - expected.astype(int)).max()
        known_exact = np.array_equal(found[mask[..., 0] == 0], image[mask[..., 0] == 0])
        if difference > 1 or not known_exact:
            raise UserError(
                f"the written model differs from its run by {difference} levels at "
                f"{width}x{height} (known pixels exact: {known_exact}); nothing was exported"
            )


def _rename_to_next_version(unfinished, base):
    version = (loading.newest_version(base) or 0) + 1
    while True:
        try:
            unfinished.rename(base / str(version))
            return base / str(version)
        except OSError:
            if not (base / str(version)).exists():
                raise
            version += 1  # another export was quicker, or the number is taken
