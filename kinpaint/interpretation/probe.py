"""Listening to layers inside a network while it completes a batch.

    with probe.listening(network) as heard:
        network(batch)
    heard.gates["conv1"]       # float32 [B, H', W', C] in (0, 1)
    heard.flows["attention"]   # int32 [B, h, w, 2]: rows, columns to the best match
    heard.knowns["down0"]      # float32 [B, H', W', 1]: what a partial convolution knows after

Eager calls only: a compiled function keeps tensors that cannot be read later.
"""

import contextlib
import dataclasses

import numpy as np
from keras import ops

from kinpaint import images
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.layers.partial_conv import PartialConv2D


@dataclasses.dataclass
class Heard:
    """What was heard, by layer name, in the order of the calls.

    Attributes:
        gates: float32 [B, H', W', C] in (0, 1) of each gated convolution.
        weights: float32 [B, h, w, h * w] of each contextual attention.
        flows: int32 [B, h, w, 2] of each contextual attention.
        knowns: float32 [B, H', W', 1] in {0, 1} after each partial convolution.
    """

    gates: dict = dataclasses.field(default_factory=dict)
    weights: dict = dataclasses.field(default_factory=dict)
    flows: dict = dataclasses.field(default_factory=dict)
    knowns: dict = dataclasses.field(default_factory=dict)


def hear(network, image, hole):
    """What one picture leaves behind.

    Args:
        network: a generator.
        image: uint8 [H, W, 3].
        hole: bool [H, W].

    Returns:
        A `Heard` of NumPy arrays without their batch axis.
    """
    batch = {
        "image": images.from_uint8(image[None]),
        "mask": hole[None, ..., None].astype(np.float32),
    }
    with listening(network) as heard:
        network(batch)
    return Heard(
        **{
            kind: {layer: np.asarray(value)[0] for layer, value in layers.items()}
            for kind, layers in vars(heard).items()
        }
    )


@contextlib.contextmanager
def listening(network):
    """Within, calls of `network` leave what is listened to in the yielded `Heard`."""
    heard, changed = Heard(), []
    for layer in network._flatten_layers(include_self=False):
        if isinstance(layer, GatedConv2D):
            changed.append((layer, "gated"))
            layer.gated = _gates_heard(layer, heard)
        elif isinstance(layer, ContextualAttention):
            changed.append((layer, "call"))
            layer.call = _attention_heard(layer, heard)
        elif isinstance(layer, PartialConv2D):
            changed.append((layer, "call"))
            layer.call = _known_heard(layer, heard)
    try:
        yield heard
    finally:
        for layer, name in changed:
            delattr(layer, name)  # the class's own method shows again


def _gates_heard(layer, heard):
    original = layer.gated

    def gated(features, gates):
        heard.gates[layer.name] = ops.sigmoid(ops.cast(gates, "float32"))
        return original(features, gates)

    return gated


def _attention_heard(layer, heard):
    original = layer.call

    def call(features, mask):
        rebuilt, weights, flow = original(features, mask, return_attention=True)
        heard.weights[layer.name], heard.flows[layer.name] = weights, flow
        return rebuilt

    return call


def _known_heard(layer, heard):
    original = layer.call

    def call(x, known):
        features, known = original(x, known)
        heard.knowns[layer.name] = known
        return features, known

    return call
