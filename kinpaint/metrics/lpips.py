"""LPIPS, the learned perceptual distance (Zhang et al. 2018), version 0.1, in Keras.

Equation 1 of the paper: features of both pictures at several depths of a trunk are
scaled to unit length along the channels, their squared differences weighted by the
fitted heads, averaged over space, and summed over depths. The authors' code adds
1e-10 to the length, outside the root. Since

    sum_c head_c (a_c - b_c)^2 = |sqrt(head) a - sqrt(head) b|^2,

`features` already carries the root of the head, and a distance is a plain squared
difference. The heads were fitted on 64 px patches and the distance is not free of
scale: give the size beside the number.

The heads in `lpips_heads.npz` are those of the PyPI package `lpips` 0.1.4; their
notice is `lpips_heads.LICENSE`.
"""

import contextlib
import pathlib

import numpy as np

from kinpaint.metrics import trunks
from kinpaint.metrics.quality import checked
from pipelines.base.late import tf

NETS = tuple(trunks.KINDS)
# ImageNet's mean and standard deviation on [0, 1]: version 0.1 scales, 0.0 did not.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_HEADS = pathlib.Path(__file__).with_name("lpips_heads.npz")


class Lpips:
    """Distances of pictures, float32 [N, H, W, 3] in [0, 1].

    Computes in float32 whatever the Keras policy, and without TF32 when called
    eagerly; a caller that traces it into its own graph switches TF32 off itself.

    Example:
        distance = Lpips("alex", weights_dir="weights")(a, b)  # float32 [N]

    Args:
        net: "alex", "vgg" or "squeeze".
        weights_dir: directory of the trunk's npz; see `trunks.weights_dir`.
        weights: arrays by torchvision's names, in place of a file.

    Attributes:
        digest: SHA-256 of the trunk's values.

    Raises:
        UserError: there are no weights or they are not this trunk's. Never random.
    """

    def __init__(self, net="alex", weights_dir="", weights=None):
        if net not in NETS:
            raise ValueError(f"no trunk {net!r}: choose among {', '.join(NETS)}")
        self.net = net
        if weights is None:
            self.trunk = trunks.load(net, weights_dir)
        else:
            self.trunk = trunks.Trunk(net)
            self.trunk.assign(weights)
        self.digest = self.trunk.digest()
        with np.load(_HEADS) as heads:
            names = [f"{net}.lin{i}" for i in range(len(self.trunk.steps))]
            self._roots = [tf.constant(np.sqrt(heads[name])) for name in names]
        self._compiled = tf.function(self._per_tap, reduce_retracing=True)

    def __call__(self, a, b):
        """Distance of each pair, float32 [N]: 0 for the same picture."""
        return tf.reduce_sum(self.per_tap(a, b), axis=-1)

    def per_tap(self, a, b):
        """The terms of the sum, float32 [N, taps]."""
        a, b = checked(a, b)
        self.trunk.check_side(min(a.shape[1:3]))
        with exact_float32():
            return self._compiled(a, b)

    def features(self, pictures):
        """The taps of float32 [N, H, W, 3] in [0, 1], each unit length times root of head."""
        taps = self.trunk((pictures - MEAN) / STD)
        return [_unit(tap) * root for tap, root in zip(taps, self._roots, strict=True)]

    def _per_tap(self, a, b):
        both = zip(self.features(a), self.features(b), strict=True)
        return tf.stack([tap_distance(x, y) for x, y in both], axis=-1)


def tap_distance(a, b):
    """One tap's term: squared difference summed over channels, mean over space; [N]."""
    return tf.reduce_mean(tf.reduce_sum(tf.math.squared_difference(a, b), -1), axis=(1, 2))


def distance(a, b):
    """Distance [N] of two pictures' `features`: for callers that use features twice."""
    return tf.add_n([tap_distance(x, y) for x, y in zip(a, b, strict=True)])


@contextlib.contextmanager
def exact_float32():
    """Switches TF32 off within, and back after.

    TF32 keeps 10 bits of float32's 23: enough to train with, not to measure with.
    """
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def _unit(tap):
    """Each position's channels over (their length + 1e-10); 0, not NaN, where all are 0."""
    return tap / (tf.norm(tap, axis=-1, keepdims=True) + 1e-10)
