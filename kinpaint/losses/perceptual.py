"""Distances in features: of a trained trunk (perceptual, style, hrf) and of the discriminator.

The trunks are those of LPIPS; without their weights these terms cannot be used. Liu et al.
2018, section 3.3, take `perceptual` and `style` of the raw picture and of the composite, from
VGG-16's first three pooled layers; here the five taps of `net` stand in for them.

Terms of one sum share a backbone, and within a step each picture goes through it once,
however many terms look at it (`Backbones`, `one_step`).
"""

import contextlib
import contextvars

from keras import ops

_seen = contextvars.ContextVar("features that this step has computed", default=None)


class Backbones:
    """The backbones of one sum of losses: each is loaded once."""

    def __init__(self):
        self._loaded = {}

    def get(self, net, weights_dir):
        """The function from pictures in [-1, 1] to their features."""
        from kinpaint.metrics import lpips

        if (net, weights_dir) not in self._loaded:
            self._loaded[net, weights_dir] = _remembering(lpips.Lpips(net, weights_dir))
        return self._loaded[net, weights_dir]


def _remembering(trunk):
    def features(picture):
        seen = _seen.get()
        if seen is None:
            return trunk.features(_unit_range(picture))
        key = id(trunk), id(picture)
        if key not in seen:  # with the picture, so that its id stays its own
            seen[key] = picture, trunk.features(_unit_range(picture))
        return seen[key][1]

    return features


@contextlib.contextmanager
def one_step():
    """Within, no picture goes through a backbone twice. Each replica's thread has its own."""
    token = _seen.set({})
    try:
        yield
    finally:
        _seen.reset(token)


def perceptual(of="output", net="alex", weights_dir="", *, backbones=None):
    """LPIPS (Zhang et al. 2018) between the picture and what was painted.

    Args:
        of: entry of the outputs.
        net: "alex", "squeeze" or "vgg".
        weights_dir: directory of the trunk's npz; default as `kinpaint.metrics.lpips`.
        backbones: those of the sum that this is a term of; None: one of its own.
    """
    from kinpaint.metrics import lpips

    features = (backbones or Backbones()).get(net, weights_dir)

    def loss(batch, outputs):
        return ops.mean(lpips.distance(features(batch["image"]), features(outputs[of])))

    return loss


def style(of="output", net="alex", weights_dir="", *, backbones=None):
    """Absolute difference of the features' Gram matrices (Gatys et al. 2016; Liu, eq. 4).

    Matrices are divided by the number of positions, and their difference's mean taken.
    Arguments as `perceptual`.
    """
    features = (backbones or Backbones()).get(net, weights_dir)

    def loss(batch, outputs):
        taps = zip(features(batch["image"]), features(outputs[of]), strict=True)
        return sum(ops.mean(ops.abs(_gram(a) - _gram(b))) for a, b in taps)

    return loss


def hrf(of="output", net="alex", weights_dir=""):
    """LaMa's perceptual term: squared differences of features that see far (Suvorov, eq. 1).

    The mean over each tap's values, summed over taps; features as they are, where LPIPS
    scales them. The authors' backbone is a dilated ResNet-50 that was trained to segment
    ADE20K; its weights are no longer to be had, and its values are not of the size of these:
    weigh anew. What a last feature sees is 195 px wide with "alex", 196 with "vgg".
    Arguments as `perceptual`.
    """
    from kinpaint.metrics import lpips, trunks

    trunk = trunks.load(net, weights_dir)

    def loss(batch, outputs):
        taps = zip(
            *(
                trunk((_unit_range(x) - lpips.MEAN) / lpips.STD)
                for x in (batch["image"], outputs[of])
            ),
            strict=True,
        )
        return sum(ops.mean(ops.square(a - b)) for a, b in taps)

    return loss


def feature_matching():
    """Squared difference of what the discriminator sees in the truth and in what was painted.

    The mean over each layer's values, and over the layers (Wang et al. 2018, eq. 2, with the
    square of LaMa's code). The discriminator is shown what `--adversarial_of` says. 0 where
    there is none at work, as in validation.
    """

    def loss(batch, outputs):
        if "features_real" not in outputs:
            return ops.zeros(())
        pairs = list(zip(outputs["features_real"], outputs["features_fake"], strict=True))
        return sum(ops.mean(ops.square(a - b)) for a, b in pairs) / len(pairs)

    return loss


def _unit_range(image):
    """[-1, 1] to [0, 1]."""
    return 0.5 * (image + 1.0)


def _gram(features):
    """[B, H, W, C] to [B, C, C], the mean over positions of products of channels."""
    _, height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (-1, height * width, channels))
    gram = ops.matmul(ops.transpose(flat, (0, 2, 1)), flat)
    return gram / ops.cast(height * width, "float32")
