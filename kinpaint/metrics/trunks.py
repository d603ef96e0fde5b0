"""The three convolutional trunks behind LPIPS, and the files that hold their weights.

The layers and their names are torchvision's, because the values are: AlexNet, VGG16
and SqueezeNet 1.1 as trained on ImageNet (IMAGENET1K_V1). `keras.applications.VGG16`
is not that network (its values are Caffe's), so no LPIPS can be had from it.

A weights file is an npz of `features.<i>.weight` (OIHW) and `features.<i>.bias`; it
is made from torchvision's download by `python -m kinpaint.metrics.lpips_weights`.
"""

import dataclasses
import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from kinpaint import npz
from pipelines.base.errors import UserError

ORIGIN = "torchvision IMAGENET1K_V1"  # what a file's entry "origin" claims, if it has one


def _conv(name, filters, size, strides=1, padding="same"):
    return layers.Conv2D(
        filters,
        size,
        strides,
        padding,
        activation="relu",
        name=name,
        dtype="float32",  # whatever the policy: LPIPS in 16 bit is off by up to 4e-3
    )


def _pool(size, strides):
    return layers.MaxPooling2D(size, strides, dtype="float32")


def _pad(*sides):
    return layers.ZeroPadding2D(sides, dtype="float32")


class _Fire(layers.Layer):
    """Squeeze to few channels, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, name, squeezed, expanded):
        super().__init__(name=name, dtype="float32")
        self.squeeze = _conv(f"{name}.squeeze", squeezed, 1)
        self.wide = [_conv(f"{name}.expand{k}x{k}", expanded, k) for k in (1, 3)]

    def call(self, x):
        x = self.squeeze(x)
        return keras.ops.concatenate([conv(x) for conv in self.wide], axis=-1)


def _alex():
    """Lists of layers; LPIPS looks at what leaves each list."""
    return [
        # "same" would pad 4 left and 4 right of an 11-tap stride-4 window; torch pads 2.
        [_pad((2, 2), (2, 2)), _conv("features.0", 64, 11, 4, "valid")],
        [_pool(3, 2), _conv("features.3", 192, 5)],
        [_pool(3, 2), _conv("features.6", 384, 3)],
        [_conv("features.8", 256, 3)],
        [_conv("features.10", 256, 3)],
    ]


def _vgg():
    blocks = ((64, 0, 2), (128, 5, 7), (256, 10, 12, 14), (512, 17, 19, 21), (512, 24, 26, 28))
    steps = [[_conv(f"features.{i}", width, 3) for i in indices] for width, *indices in blocks]
    return [steps[0]] + [[_pool(2, 2), *step] for step in steps[1:]]


def _squeeze():
    def pool():
        # torch's ceil mode: one more row and column. Features are >= 0 after ReLU, so
        # zeros lose every maximum as torch's -inf does.
        return [_pad((0, 1), (0, 1)), _pool(3, 2)]

    def fire(i, squeezed, expanded):
        return _Fire(f"features.{i}", squeezed, expanded)

    return [
        [_conv("features.0", 64, 3, 2, "valid")],
        [*pool(), fire(3, 16, 64), fire(4, 16, 64)],
        [*pool(), fire(6, 32, 128), fire(7, 32, 128)],
        [*pool(), fire(9, 48, 192)],
        [fire(10, 48, 192)],
        [fire(11, 64, 256)],
        [fire(12, 64, 256)],
    ]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One trunk.

    Attributes:
        steps: makes its layers, as lists that each end at a tap.
        min_side: shortest side, in pixels, that reaches the last tap.
        file: name of its weights file.
        url: torchvision's published address; the name ends in the first eight
            digits of the file's SHA-256.
        digest: `digest` of the published values; None where not established.
    """

    steps: Callable
    min_side: int
    file: str
    url: str
    digest: str | None


_MODELS = "https://download.pytorch.org/models/"
KINDS = {
    "alex": Kind(
        _alex,
        31,
        "alexnet_features_torchvision.npz",
        _MODELS + "alexnet-owt-7be5be79.pth",
        "2b566cc3a4d6f0a7343701af22f461f1ac3dcd03a3ac28cce10968a1d3c85fdc",
    ),
    "squeeze": Kind(
        _squeeze,
        17,
        "squeezenet1_1_features_torchvision.npz",
        _MODELS + "squeezenet1_1-b8a52dc0.pth",
        "0ae538c03b18b30a6dfe2b3cc6feaf04f28f3a1884b9d8781305bd2695daad41",
    ),
    "vgg": Kind(
        _vgg,
        16,
        "vgg16_features_torchvision.npz",
        _MODELS + "vgg16-397923af.pth",
        None,  # the published file was not at hand when these were written
    ),
}


class Trunk(keras.Model):
    """A frozen trunk: float32 [N, H, W, 3], normalised -> its taps, a list of [N, h, w, C]."""

    def __init__(self, net):
        super().__init__(name=f"{net}_trunk", dtype="float32", trainable=False)
        self.net, self.steps = net, KINDS[net].steps()
        side = KINDS[net].min_side
        self(np.zeros((1, side, side, 3), "float32"))

    def call(self, x):
        """See the class."""
        taps = []
        for step in self.steps:
            for layer in step:
                x = layer(x)
            taps.append(x)
        return taps

    def check_side(self, side):
        """Raises ValueError where pictures of this side, in pixels, are too small."""
        least = KINDS[self.net].min_side
        if side < least:
            raise ValueError(f"the {self.net} trunk needs sides of {least} px, got {side}")

    def shapes(self):
        """Name -> shape of every array that a weights file must hold, in its order."""
        shapes = {}
        for conv in self._convs():
            height, width, depth, filters = conv.kernel.shape
            shapes[f"{conv.name}.weight"] = (filters, depth, height, width)
            shapes[f"{conv.name}.bias"] = (filters,)
        return shapes

    def assign(self, weights):
        """Takes over arrays of `shapes()`; raises ValueError naming what does not fit."""
        check(weights, self.shapes())
        for conv in self._convs():
            conv.kernel.assign(np.transpose(weights[f"{conv.name}.weight"], (2, 3, 1, 0)))
            conv.bias.assign(weights[f"{conv.name}.bias"])

    def digest(self):
        """SHA-256 over the float32 values, in the order and layout of `shapes`."""
        hashed = hashlib.sha256()
        for conv in self._convs():
            kernel = np.transpose(conv.kernel.numpy(), (3, 2, 0, 1))
            for values in (kernel, conv.bias.numpy()):
                hashed.update(np.ascontiguousarray(values, "<f4").tobytes())
        return hashed.hexdigest()

    def _convs(self):
        return [x for x in self._flatten_layers() if isinstance(x, layers.Conv2D)]


def check(weights, shapes):
    """Raises ValueError unless `weights` holds finite arrays of just these shapes."""
    for name, shape in shapes.items():
        if name not in weights:
            raise ValueError(f"{name} is missing")
        if tuple(weights[name].shape) != shape:
            raise ValueError(f"{name} has shape {weights[name].shape}, not {shape}")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} is not finite")


def weights_dir(given=""):
    """Where weights lie: as given, else $KINPAINT_WEIGHTS, else ~/.cache/kinpaint."""
    chosen = given or os.environ.get("KINPAINT_WEIGHTS") or "~/.cache/kinpaint"
    try:
        return pathlib.Path(chosen).expanduser()
    except RuntimeError as error:  # HOME is not set, and the user has no entry in passwd
        raise UserError(
            f"there is no home directory to find {chosen} in: set KINPAINT_WEIGHTS or HOME, or "
            f"give --weights_dir=DIR"
        ) from error


def load(net, directory=""):
    """A `Trunk` with the values of the file in `weights_dir(directory)`.

    Warns where the values are not torchvision's and the file does not say they are.

    Raises:
        UserError: no file, not the trunk's names and shapes, or values that differ
            from those the file claims to hold.
    """
    path = weights_dir(directory) / KINDS[net].file
    if not path.is_file():
        raise UserError(
            f"no weights for lpips_{net} at {path}; make them with: "
            f"python -m kinpaint.metrics.lpips_weights --net={net} --out_dir={path.parent}"
        )
    trunk = Trunk(net)
    try:
        weights = npz.read(path)
        trunk.assign(weights)
    except ValueError as error:
        raise UserError(f"{path} does not hold the {net} trunk: {error}") from error
    _check_origin(path, trunk, str(weights.get("origin", "")))
    return trunk


def _check_origin(path, trunk, claim):
    expected = KINDS[trunk.net].digest
    if expected in (None, trunk.digest()):
        return
    message = f"{path}: its values are not those of torchvision's {trunk.net} trunk"
    if claim == ORIGIN:
        raise UserError(f"{message}, though it says so: the file is damaged, make it again")
    warnings.warn(f"{message}; its distances are not the published LPIPS", stacklevel=4)
