"""The networks of a run and what trains them, built from its settings."""

import keras

import kinpaint.discriminators
import kinpaint.losses
import kinpaint.models
from kinpaint.layers.conv import PlainConv2D
from kinpaint.training import precision
from kinpaint.training.inpainter import Inpainter
from pipelines import cli, terms


def build(settings):
    """The compiled `Inpainter` that the settings describe."""
    dtype = precision.policy(settings.train.precision)
    network = named(kinpaint.models.build, settings.model.model, "--model", dtype)
    kinpaint.losses.check(settings.loss.losses, network, settings.model.discriminator != "none")
    if settings.train.recompute:
        network = _recomputing(network, settings.model.model, dtype)
    discriminator = None
    if settings.model.discriminator != "none":
        discriminator = named(
            kinpaint.discriminators.build,
            settings.model.discriminator,
            "--discriminator",
            dtype,
        )
    rates = settings.optimizer
    inpainter = Inpainter(network, discriminator, rates.ema, settings.photos.seed)
    inpainter.compile(
        precision.adam(rates, rates.learning_rate, settings.train.precision),
        discriminator
        and precision.adam(rates, rates.discriminator_learning_rate, settings.train.precision),
        kinpaint.losses.build(
            settings.loss.losses, weights_dir=settings.loss.feature_weights_dir or None
        ),
        adversarial=settings.loss.adversarial,
        adversarial_weight=settings.loss.adversarial_weight,
        adversarial_of=settings.loss.adversarial_of,
        gradient_penalty=settings.loss.gradient_penalty,
        penalty_every=settings.loss.penalty_every,
        clip_norm=rates.clip_norm,
    )
    return inpainter


def _recomputing(network, text, dtype):
    """The network anew, its layers' activations recomputed in the backward pass."""
    norms = keras.layers.BatchNormalization  # its statistics are to move once a step
    found = [
        x
        for x in network._flatten_layers(include_self=False)
        if not any(isinstance(inside, norms) for inside in x._flatten_layers())
    ]
    if keras.dtype_policies.get(dtype).compute_dtype != "float32":
        # Keras calls a layer again outside the scope in which it casts the weights.
        found = [layer for layer in found if isinstance(layer, PlainConv2D)]
    layers = [layer.name for layer in found]
    if not layers:
        raise cli.UserError(
            f"--recompute has nothing to recompute in {text} at this precision: "
            "leave it out or take --precision=float32"
        )
    with keras.RematScope(mode="list_of_layers", layer_names=layers):
        return named(kinpaint.models.build, text, "--model", dtype)


def named(builder, text, flag, dtype):
    """Builds `name` or `name(key=value)` with a registry's `build`."""
    wanted = terms.parse(text, what=flag)
    if len(wanted) != 1:
        raise cli.UserError(f"{flag} names one network, not a sum: {text!r}")
    if {"name", "dtype"} & set(wanted[0].settings):
        raise cli.UserError(f"{flag}: name and dtype cannot be set, received {text!r}")
    return builder(wanted[0].name, dtype=dtype, **wanted[0].settings)
