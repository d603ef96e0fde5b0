"""The metrics of one batch: which can be had, why others cannot, and their values."""

import numpy as np
import tensorflow as tf

from kinpaint.metrics import quality
from kinpaint.metrics.diversity import Diversity
from kinpaint.metrics.lpips import NETS, Lpips, distance
from pipelines.base.errors import UserError

MS_SSIM = ("ms_ssim", "ms_ssim_4s", "ms_ssim_3s")


class Scorer:
    """Scores completions against the truth.

    Attributes:
        reasons: metric -> why it cannot be had here.
        embedding: name of the trunk whose pooled last tap describes a picture in set
            distances; None without a trunk.

    Args:
        image_size: side of the pictures.
        nets: trunks of LPIPS that are wanted.
        weights_dir: where their files lie.
        samples: completions of each picture.
    """

    def __init__(self, image_size, nets, weights_dir="", samples=1):
        self.reasons = {}
        self._scales = quality.ms_ssim_scales(image_size)
        self._image_size, self._samples = image_size, samples
        self._quality = tf.function(self._quality_of, reduce_retracing=True)
        self._lpips = self._load_trunks(nets, weights_dir)
        self._distances = tf.function(self._distances_of, reduce_retracing=True)
        self._features = tf.function(self._features_of, reduce_retracing=True)
        self.embedding = next(iter(self._lpips), None)
        self._diversity = self._find_diversity()
        self._give_reasons()

    def truth(self, pictures):
        """What the scores of every model share: the pictures and their features."""
        pictures = to_float(pictures)
        return pictures, self._features(pictures)

    def embed(self, truth):
        """float32 [N, d] of what `truth` gave: the last tap averaged over space, or None."""
        return self._pooled(truth[1])

    @property
    def identity(self):
        """What decides the scores beside the pictures: the metrics and the trunks' values."""
        return {net: lpips.digest for net, lpips in self._lpips.items()}

    def score(self, truth, samples, holes):
        """Every metric that can be had.

        Args:
            truth: what `truth` gave.
            samples: uint8 [K, N, H, W, 3], completions.
            holes: bool [N, H, W, 1].

        Returns:
            A dict of metric -> float [N], the mean over the K samples of each picture,
            and the first sample's `embed`.
        """
        pictures, features = truth
        mask = tf.cast(holes, tf.float32)
        each, first = [], None
        for completed in map(to_float, samples):
            own = self._features(completed)
            first = own if first is None else first
            values = self._quality(pictures, completed, mask)
            each.append({**values, **self._distances(features, own)})
        scores = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
        if self._diversity:
            whole, hole = self._diversity([to_float(sample) for sample in samples], mask)
            scores |= {"diversity_lpips": whole.numpy(), "diversity_lpips_hole": hole.numpy()}
        if len(each) > 1:
            scores["psnr_best_of_k"] = np.max([one["psnr"] for one in each], axis=0)
        return scores, self._pooled(first)

    def _pooled(self, features):
        if not self.embedding:
            return None
        return tf.reduce_mean(features[self.embedding][-1], axis=(1, 2)).numpy()

    def _quality_of(self, truth, completed, mask):
        values = {
            "psnr": quality.psnr(truth, completed),
            "psnr_hole": quality.psnr_hole(truth, completed, mask),
            "l1": quality.l1(truth, completed),
            "l1_hole": quality.l1_hole(truth, completed, mask),
        }
        if self._image_size >= quality.SSIM_WINDOW:
            values["ssim"] = quality.ssim(truth, completed)
        if self._scales:
            name = quality.ms_ssim_name(self._scales)
            values[name] = quality.ms_ssim(truth, completed, self._scales)
        return values

    def _features_of(self, pictures):
        return {net: lpips.features(pictures) for net, lpips in self._lpips.items()}

    def _distances_of(self, a, b):
        return {f"lpips_{net}": distance(a[net], b[net]) for net in self._lpips}

    def _load_trunks(self, nets, weights_dir):
        trunks = {}
        for net in NETS:
            if net not in nets:
                self.reasons[f"lpips_{net}"] = f"not asked for; add --lpips={net}"
                continue
            try:
                trunk = Lpips(net, weights_dir)
                trunk.trunk.check_side(self._image_size)
                trunks[net] = trunk
            except (UserError, ValueError) as error:
                self.reasons[f"lpips_{net}"] = str(error)
        return trunks

    def _find_diversity(self):
        if self._samples > 1 and self.embedding:
            return Diversity(self._lpips[self.embedding])
        missing = self.reasons.get("lpips_alex", "no trunk")
        single = "one completion a picture; add --samples=5"
        self.reasons["diversity_lpips"] = missing if self._samples > 1 else single
        if self._samples == 1:
            self.reasons["psnr_best_of_k"] = single
        return None

    def _give_reasons(self):
        side = self._image_size
        if side < quality.SSIM_WINDOW:
            self.reasons["ssim"] = f"needs {quality.SSIM_WINDOW} px, pictures have {side}"
        for scales, name in zip((5, 4, 3), MS_SSIM, strict=True):
            if scales == self._scales:
                continue
            least, most = quality.min_side(scales), quality.min_side(scales + 1) - 1
            span = f"from {least} px" if scales == 5 else f"from {least} to {most} px"
            self.reasons[name] = f"taken at sides {span}, pictures have {side}"


def to_float(pictures):
    """uint8 to float32 in [0, 1]."""
    return tf.cast(pictures, tf.float32) / 255.0
