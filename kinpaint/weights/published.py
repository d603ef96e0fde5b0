"""Weights that others trained, by their names, into a network of this project.

A file is known by what it holds, not by what it is called: an npz, PyTorch's files (.pth,
.ckpt, .pt: `torch_files`), else a TensorFlow 1 checkpoint by its prefix. What is in it is
known by its names. Each family of names is a `Naming`, which says which variable, or which
part of one, every published array becomes: `deepfill`, `lama`, and the network's own names.
"""

import dataclasses
import pathlib
import re
import zipfile
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kinpaint import npz
from kinpaint.weights import torch_files
from pipelines.base.errors import UserError

FROM_TORCH = (2, 3, 1, 0)  # OIHW to HWIO; of a transposed convolution IOHW to HWOI


@dataclasses.dataclass(frozen=True)
class Piece:
    """What one published array becomes: a variable, or part of it along an axis.

    Attributes:
        variable: of the network.
        order: the variable's axes as the file's, as `numpy.transpose` takes them; None: alike.
        axis: along which the variable is put together of several arrays.
        start: where this array begins on it.
        size: how long it is; None: all of the variable.
        colours: axis of the variable whose first three entries are red, green and blue.
    """

    variable: object
    order: tuple | None = None
    axis: int = 0
    start: int = 0
    size: int | None = None
    colours: int | None = None

    @property
    def shape(self):
        """The published array's."""
        shape = list(self.variable.shape)
        shape[self.axis] = shape[self.axis] if self.size is None else self.size
        if self.order is None:
            return tuple(shape)
        return tuple(shape[self.order.index(axis)] for axis in range(len(shape)))

    def put(self, value, array, channel_order):
        """Writes the array into `value`, an array of the variable's shape."""
        array = array if self.order is None else np.transpose(array, self.order)
        if channel_order == "bgr" and self.colours is not None:
            turned = [2, 1, 0, *range(3, array.shape[self.colours])]
            array = np.take(array, turned, self.colours)
        place = [slice(None)] * value.ndim
        place[self.axis] = slice(self.start, self.start + array.shape[self.axis])
        value[tuple(place)] = array


@dataclasses.dataclass(frozen=True)
class Naming:
    """One family of published names.

    Attributes:
        what: whose, in words.
        models: the generators that such weights fit.
        claims: names of a file to whether they are of this family.
        settings: arrays of such a file to the settings that the generator must have.
        pieces: (network, names) to {published name: Piece}.
        passed_over: (names) to a pattern of names that are no generator's weights.
        channel_order: what such files were trained with, as far as is known.
    """

    what: str
    models: tuple
    claims: Callable
    settings: Callable
    pieces: Callable
    passed_over: Callable
    channel_order: str


def read(path):
    """Arrays by name from an npz, one of PyTorch's files or a checkpoint's prefix.

    Raises:
        UserError: there is no such file or it cannot be read.
    """
    try:
        return _reader(path)(path)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} cannot be read: give an .npz, a PyTorch file (.pth, .ckpt, .pt), or a "
            f"TensorFlow checkpoint's prefix (its files' common name without .index or "
            f".data-...): {reason}"
        ) from error


def _reader(path):
    """The function that reads this file, by its first bytes."""
    file = pathlib.Path(path)
    if file.suffix == ".npz" or not file.is_file():
        return npz.read if file.suffix == ".npz" else _read_checkpoint
    with file.open("rb") as opened:
        start = opened.read(len(torch_files.STREAM_START))
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            holds_arrays = all(name.endswith(".npy") for name in archive.namelist())
        return npz.read if holds_arrays else torch_files.read
    known = file.suffix in (".pth", ".pt", ".ckpt", ".bin") and not start.startswith(b"\x00")
    return torch_files.read if known or start == torch_files.STREAM_START else _read_checkpoint


def _read_checkpoint(prefix):
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def naming(names, model):
    """The `Naming` of a file with these names, for a generator; None: no published one.

    Raises:
        UserError: the weights are another generator's.
    """
    from kinpaint.weights import deepfill, lama

    for known in (lama.NAMING, deepfill.PORT, deepfill.PORT_TRAINED_ON, deepfill.NAMING):
        if known.claims(names):
            if model not in known.models:
                raise UserError(
                    f"these weights are {known.what}, which fit {' or '.join(known.models)} "
                    f"only: write --model={known.models[0]}"
                )
            return known
    return None


def assign(network, arrays, named, channel_order=""):
    """Puts the arrays into the network, or nothing at all.

    Args:
        network: a built generator.
        arrays: {published name: array}.
        named: their `Naming`.
        channel_order: "bgr" or "rgb", what the weights were trained with; "": the naming's.

    Returns:
        Number of arrays assigned.

    Raises:
        UserError: lists every name that is unknown, missing, misshapen or not finite.
    """
    pieces = named.pieces(network, arrays)
    check(network, pieces, arrays, named.passed_over(arrays))
    values = {}
    for name, piece in pieces.items():
        value = values.setdefault(
            id(piece.variable), (piece.variable, np.empty(piece.variable.shape, "float32"))
        )
        piece.put(value[1], arrays[name], channel_order or named.channel_order)
    for variable, value in values.values():
        variable.assign(value)
    return len(pieces)


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
    wanted = {name: Piece(variable) for name, variable in _own_names(network).items()}
    arrays = {_below_the_model(name): array for name, array in arrays.items()}
    check(network, wanted, arrays)
    for name, piece in wanted.items():
        piece.variable.assign(np.asarray(arrays[name], "float32"))
    return len(wanted)


def are_by_path(network, arrays):
    """Whether the arrays' names are those of the network's variables rather than published."""
    return any(_below_the_model(name) in _own_names(network) for name in arrays)


def _own_names(network):
    return {_below_the_model(variable.path): variable for variable in network.variables}


def _below_the_model(path):
    return path.split("/", 1)[-1]


def prefix_of(names, anchor):
    """What stands before the one name that ends in `anchor`.

    Raises:
        UserError: more than one does; None is given where none does.
    """
    pattern = re.compile(rf"(?:^|.*\.){re.escape(anchor)}$")
    found = sorted({name.removesuffix(anchor) for name in names if pattern.match(name)})
    if len(found) > 1:
        raise UserError(
            f"the file holds {len(found)} generators ({', '.join(found)}): save one alone"
        )
    return found[0] if found else None


def check(network, pieces, arrays, passed_over=None):
    """Raises a UserError that lists what does not fit, if anything."""
    problems = []
    for name in sorted(arrays):
        if name not in pieces and not (passed_over and passed_over.search(name)):
            problems.append(f"{name} is unknown")
    for name, piece in pieces.items():
        if name not in arrays:
            problems.append(f"{name} is missing")
        elif tuple(arrays[name].shape) != piece.shape:
            problems.append(f"{name} is {tuple(arrays[name].shape)}, wanted {piece.shape}")
        elif not np.issubdtype(np.float32(arrays[name].ravel()[:1]).dtype, np.floating):
            problems.append(f"{name} holds no numbers")
        elif not np.isfinite(np.asarray(arrays[name], "float32")).all():
            problems.append(f"{name} is not finite")
    if problems:
        raise UserError(
            f"these weights do not fit {network.name}; nothing was written: "
            + "; ".join(problems)
        )
