"""Published DeepFill weights, by the authors' names, into a network of this project.

A TensorFlow 1 checkpoint (its prefix) or an npz holds `inpaint_net/<layer>/kernel` (HWIO)
and `inpaint_net/<layer>/bias`; inside an upsampling block `<layer>/<layer>_conv/kernel`.
Critics, optimizer slots and counters beside them are passed over. The authors decode
pictures as BGR; `bgr` weights are turned into RGB ones.
"""

import re

import numpy as np
import tensorflow as tf

from kinpaint import npz
from pipelines.base.errors import UserError

SCOPE = "inpaint_net/"
_PASSED_OVER = re.compile(
    r"^(discriminator/|global_step$|beta[12]_power|_CHECKPOINTABLE_OBJECT_GRAPH$)"
    r"|/(Adam|Adam_1|ExponentialMovingAverage)$"
)
_READS_PICTURE = ("conv1", "xconv1", "pmconv1")  # three first input channels are colours
_WRITES_PICTURE = ("conv17", "allconv17")


def read(path):
    """Arrays by name from a checkpoint prefix or an npz.

    Raises:
        UserError: there is no such file or it cannot be read.
    """
    try:
        if str(path).endswith(".npz"):
            return npz.read(path)
        reader = tf.train.load_checkpoint(str(path))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"{path} cannot be read: give an .npz, or a checkpoint's prefix (its files' "
            f"common name without .index or .data-...): {str(error).splitlines()[0]}"
        ) from error


def assign(network, arrays, channel_order="bgr"):
    """Puts the arrays into the network, or nothing at all.

    Args:
        network: a built `gated` or `contextual` model.
        arrays: {published name: array}.
        channel_order: "bgr" or "rgb", what the weights were trained with.

    Returns:
        Number of variables assigned.

    Raises:
        UserError: lists every name that is unknown, missing, misshapen or not finite.
    """
    wanted = published_names(network)
    _check(network, wanted, arrays)
    for name, variable in wanted.items():
        value = np.asarray(arrays[name], "float32")
        variable.assign(_rgb(name, value) if channel_order == "bgr" else value)
    return len(wanted)


def assign_by_path(network, arrays):
    """Puts in arrays that are named as the network's own variables, or nothing at all.

    Args:
        network: a built generator of any kind.
        arrays: {`variable.path`: array}, as `{v.path: v for v in network.variables}` gives
            them on any Keras backend; what stands before the first slash is the name that
            Keras gave the model and does not count.

    Returns:
        Number of variables assigned.

    Raises:
        UserError: lists every name that is unknown, missing, misshapen or not finite.
    """
    wanted = _own_names(network)
    arrays = {_below_the_model(name): array for name, array in arrays.items()}
    _check(network, wanted, arrays)
    for name, variable in wanted.items():
        variable.assign(np.asarray(arrays[name], "float32"))
    return len(wanted)


def are_by_path(network, arrays):
    """Whether the arrays' names are those of the network's variables rather than published."""
    return any(_below_the_model(name) in _own_names(network) for name in arrays)


def _own_names(network):
    return {_below_the_model(variable.path): variable for variable in network.variables}


def _below_the_model(path):
    return path.split("/", 1)[-1]


def published_names(network):
    """{published name: variable} of every variable of the network."""
    names = {}
    for variable in network.variables:
        layer, kind = variable.path.split("/")[-2:]
        inside = f"{layer}/{layer}_conv" if layer.endswith("_upsample") else layer
        names[f"{SCOPE}{inside}/{kind}"] = variable
    return names


def _check(network, wanted, arrays):
    """Raises a UserError that lists what does not fit, if anything."""
    problems = _problems(wanted, arrays)
    if problems:
        raise UserError(
            f"these weights do not fit {network.name}; nothing was written: "
            + "; ".join(problems)
        )


def _problems(wanted, arrays):
    problems = []
    for name in sorted(arrays):
        if name not in wanted and not _PASSED_OVER.search(name):
            problems.append(f"{name} is unknown")
    for name, variable in wanted.items():
        if name not in arrays:
            problems.append(f"{name} is missing")
        elif tuple(arrays[name].shape) != tuple(variable.shape):
            shapes = f"{tuple(arrays[name].shape)}, wanted {tuple(variable.shape)}"
            problems.append(f"{name} is {shapes}")
        elif not np.isfinite(arrays[name]).all():
            problems.append(f"{name} is not finite")
    return problems


def _rgb(name, value):
    """The array with its colour channels in the other order, where it has any."""
    layer, kind = name.split("/")[-2:]
    if layer in _READS_PICTURE and kind == "kernel":
        colours, others = value[:, :, :3], value[:, :, 3:]
        return np.concatenate([colours[:, :, ::-1], others], axis=2)
    return value[..., ::-1] if layer in _WRITES_PICTURE else value
