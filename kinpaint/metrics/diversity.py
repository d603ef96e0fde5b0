"""How different several completions of one masked picture are from each other.

Diversity is the mean LPIPS over all pairs of K samples (Zhu et al. 2017, BicycleGAN,
compare 20 samples). LPIPS is a squared distance of features, so with the features'
unbiased variance over the samples

    mean over pairs of |f_j - f_k|^2 = 2 Var_k(f),

and K passes do the work of K (K - 1) / 2 pairs, exactly. Known pixels are the same in
all samples, so the whole picture's value grows with the hole; the hole's own value
averages the tap maps, upsampled as LPIPS's spatial form does, over the hole. Noise is
diverse: read it beside a metric of quality.
"""

from kinpaint.metrics.lpips import exact_float32
from kinpaint.metrics.quality import checked
from pipelines.base.late import tf


class Diversity:
    """Mean pairwise LPIPS of samples, with `lpips` a `kinpaint.metrics.lpips.Lpips`."""

    def __init__(self, lpips):
        self._features = tf.function(lpips.features, reduce_retracing=True)

    def __call__(self, samples, mask):
        """Diversity of K >= 2 completions of each picture.

        Args:
            samples: K pictures' batches, each float32 [N, H, W, 3] in [0, 1].
            mask: float32 [N, H, W, 1], 1 = hole.

        Returns:
            Two float32 [N]: over the whole picture, and over the hole (NaN without one).
        """
        with exact_float32():
            maps = self._variance_maps(samples)
        whole = tf.add_n([tf.reduce_mean(m, axis=(1, 2, 3)) for m in maps])
        return 2.0 * whole, 2.0 * tf.add_n([_mean_in_hole(m, mask) for m in maps])

    def _variance_maps(self, samples):
        """Each tap's variance over the samples, summed over channels, [N, h, w, 1]."""
        first = self._features(*checked(samples[0]))
        # Differences to the first sample: identical samples give exactly zero.
        sums = [tf.zeros_like(tap) for tap in first]
        squares = [0.0] * len(first)
        for sample in samples[1:]:
            for i, tap in enumerate(self._features(*checked(sample))):
                sums[i] += tap - first[i]
                squares[i] += _length2(tap - first[i])
        count = len(samples)
        return [
            tf.maximum(square - _length2(total) / count, 0.0) / (count - 1)
            for total, square in zip(sums, squares, strict=True)
        ]


def _length2(features):
    return tf.reduce_sum(tf.square(features), axis=-1, keepdims=True)


def _mean_in_hole(tap_map, mask):
    mask = tf.convert_to_tensor(mask, tf.float32)
    full = tf.image.resize(tap_map, mask.shape[1:3])
    return tf.reduce_sum(full * mask, axis=(1, 2, 3)) / tf.reduce_sum(mask, axis=(1, 2, 3))
