"""TensorBoard's HPARAMS page for a study: only the flags that differ, and the final scores."""

import tensorflow as tf
from tensorboard.plugins.hparams import api


def write(out_dir, study):
    """Writes OUT/hparams, a log directory of the study; returns its path."""
    variants, metrics = study["variants"], study["settings"]["metrics"]
    values = {name: _values(variant["flags"]) for name, variant in variants.items()}
    flags = sorted({flag for pairs in values.values() for flag in pairs} | {"variant"})
    root = out_dir / "hparams"
    with tf.summary.create_file_writer(str(root)).as_default(0):
        api.hparams_config(
            hparams=[api.HParam(flag) for flag in flags],
            metrics=[api.Metric(metric) for metric in metrics],
        )
    for name, variant in variants.items():
        folder = root / variant["runs"][0].rpartition("/")[2]
        with tf.summary.create_file_writer(str(folder)).as_default(variant["steps"]):
            pairs = dict.fromkeys(flags, "as the base") | values[name] | {"variant": name}
            api.hparams(pairs, trial_id=name)
            for metric, entry in variant["metrics"].items():
                tf.summary.scalar(metric, entry["mean"])
    return root


def _values(flags):
    pairs = (flag.removeprefix("--").partition("=") for flag in flags)
    return {name: text or "true" for name, _, text in pairs}
