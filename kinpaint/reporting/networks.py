"""A figure of a network, drawn from the network itself.

The network is built from its settings and traced once without data; every layer that holds
weights leaves the shape of what it puts out. A bar is a layer: its height is the feature map's
side (its square root), its width the number of channels, its colour the kind of layer.
So an encoder and decoder look like a V, two stages like a W.
"""

import dataclasses
import functools
import math

from matplotlib.patches import Rectangle

from kinpaint import charts
from pipelines import terms

# The first kind whose words are in the layer's class name.
KINDS = {
    "attention": ("attention", "#cc79a7"),
    "gated": ("gated convolution", "#d55e00"),
    "partial": ("partial convolution", "#009e73"),
    "transpose": ("upsampling convolution", "#56b4e9"),
    "dilated": ("dilated convolution", "#7a5195"),
    "conv": ("convolution", "#0072b2"),
    "dense": ("dense layer", "#e69f00"),
}
_GATED_DILATED = ("gated and dilated", "#8f3d00")


@dataclasses.dataclass(frozen=True)
class Layer:
    """What the figure shows of one layer: its kind, colour, map's side and channels."""

    kind: str
    colour: str
    side: int
    channels: int


@functools.cache
def traced(network: str, side: int) -> tuple:
    """(parameters, [Layer]) of a network given as text, such as "cnn(width=24)".

    Args:
        network: a name of `kinpaint.models.MODELS` with its settings.
        side: of the pictures, pixels.

    Raises:
        UserError: an unknown name or setting.
    """
    import keras  # it loads TensorFlow: after what may fail without it

    from kinpaint import models

    term = terms.parse(network, what="--model")[0]
    model = models.build(term.name, **term.settings)
    found, changed = [], []
    for layer in model._flatten_layers(include_self=False):
        kind = _kind(layer)
        if kind:
            changed.append(layer)
            layer.call = _recorded(layer, kind, side, found)
    spec = {
        "image": keras.KerasTensor((1, side, side, 3)),
        "mask": keras.KerasTensor((1, side, side, 1)),
    }
    try:
        model.compute_output_spec(spec)
    finally:
        for layer in changed:
            del layer.call  # the class's own method shows again
    return model.count_params(), found


def draw(figure, networks, side):
    """A row a network.

    Args:
        figure: to draw on.
        networks: texts such as "cnn(width=24)".
        side: of the pictures, pixels.
    """
    rows = figure.subplots(len(networks), 1, squeeze=False)[:, 0]
    used = {}
    for axes, network in zip(rows, networks, strict=True):
        parameters, layers = traced(network, side)
        x = 0.0
        for layer in layers:
            width = 0.25 + math.sqrt(layer.channels) / 9
            height = math.sqrt(layer.side)
            axes.add_patch(Rectangle((x, -height / 2), width, height, color=layer.colour, lw=0))
            used[layer.kind] = layer.colour
            x += width + 0.14
        axes.set_xlim(-0.5, max(x, 24))
        tall = math.sqrt(side)
        axes.set_ylim(-tall / 2, tall / 2)
        axes.axis("off")
        told = f"{network}: {parameters / 1e6:.2f} million parameters"
        axes.set_title(told, loc="left", fontsize="small", color=charts.INK)
    marks = [Rectangle((0, 0), 1, 1, color=colour) for colour in used.values()]
    figure.legend(marks, list(used), loc="outside lower center", ncols=min(3, len(used)))


def _kind(layer):
    """(words, colour) of a layer that holds weights of its own or attends; else None."""
    name = type(layer).__name__.lower()
    if not layer._trainable_variables and "attention" not in name:
        return None
    for part, kind in KINDS.items():
        if part in name:
            rate = getattr(layer, "dilation_rate", 1)
            wide = max(rate) if isinstance(rate, tuple) else rate
            if part == "gated" and wide > 1:
                return _GATED_DILATED
            if part in ("conv", "dilated"):
                return KINDS["dilated" if wide > 1 else "conv"]
            return kind
    return None


def _recorded(layer, kind, side, found):
    original = layer.call

    def call(*args, **kwargs):
        out = original(*args, **kwargs)
        shape = getattr(out[0] if isinstance(out, tuple) else out, "shape", ())
        if len(shape) == 4 and shape[1] is not None:
            found.append(Layer(*kind, int(shape[1]), int(shape[3])))
        elif len(shape) in (2, 3):
            found.append(Layer(*kind, 1, int(shape[-1])))
        return out

    return call
