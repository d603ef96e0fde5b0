"""How near a completed picture is to the true one: PSNR, SSIM, MS-SSIM, L1.

Every function takes float32 pictures [N, H, W, 3] in [0, 1], checks that range
(a picture in [-1, 1] would score a plausible wrong number) and gives float32 [N]:
one value a picture, so that means, intervals and buckets can be formed later.

PSNR, SSIM and MS-SSIM are `tf.image`'s: 11-tap Gaussian windows of sigma 1.5,
valid filtering, K1 = 0.01, K2 = 0.03. Known pixels are usually pasted back, so a
whole picture's figure depends on the hole's area; the `_hole` forms do not.
"""

import math

from pipelines.base.late import tf

# Wang, Simoncelli, Bovik (2003), table in section 4: weights of the five scales.
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SSIM_WINDOW = 11


def min_side(scales):
    """The shortest side, in pixels, that `scales` scales of MS-SSIM need."""
    return (SSIM_WINDOW - 1) * 2 ** (scales - 1) + 1


def ms_ssim_name(scales):
    """The metric's honest name: fewer than five scales is another metric."""
    return "ms_ssim" if scales == 5 else f"ms_ssim_{scales}s"


def ms_ssim_scales(side):
    """5 from 161 px, 4 from 81 px, 3 from 41 px, else 0: none is defined here."""
    return next((scales for scales in (5, 4, 3) if side >= min_side(scales)), 0)


def psnr(a, b):
    """Peak signal-to-noise ratio in dB; +inf for identical pictures (count, never average)."""
    return tf.image.psnr(*checked(a, b), max_val=1.0)


def psnr_hole(a, b, mask):
    """PSNR over the hole alone, in dB; NaN where a picture has no hole.

    `mask` is float32 [N, H, W, 1], 1 = hole.
    """
    squared = tf.math.squared_difference(*checked(a, b))
    return -10.0 * tf.math.log(_hole_mean(squared, mask)) / math.log(10.0)


def l1(a, b):
    """Mean absolute error, in units of the full range."""
    a, b = checked(a, b)
    return tf.reduce_mean(tf.abs(a - b), axis=(1, 2, 3))


def l2(a, b):
    """Mean squared error, in squared units of the full range."""
    return tf.reduce_mean(tf.math.squared_difference(*checked(a, b)), axis=(1, 2, 3))


def l1_hole(a, b, mask):
    """Mean absolute error over the hole alone; NaN where a picture has no hole."""
    a, b = checked(a, b)
    return _hole_mean(tf.abs(a - b), mask)


def ssim(a, b):
    """Single-scale structural similarity (Wang et al. 2004) of pictures from 11 px."""
    _check_side(a, SSIM_WINDOW, "ssim")
    return tf.image.ssim(*checked(a, b), max_val=1.0)


def ms_ssim(a, b, scales=5):
    """Multi-scale structural similarity (Wang et al. 2003, equation 7).

    Negative contrast terms are clipped at 0. With fewer than five `scales` the
    first weights are scaled to sum 1: that is another metric, see `ms_ssim_name`.

    Raises:
      ValueError: a side is shorter than `min_side(scales)`; 161 px for five.
    """
    _check_side(a, min_side(scales), ms_ssim_name(scales))
    weights = MS_SSIM_WEIGHTS[:scales]
    total = sum(weights) if scales < 5 else 1.0  # the published five sum to 1.0001
    return tf.image.ssim_multiscale(
        *checked(a, b), max_val=1.0, power_factors=[weight / total for weight in weights]
    )


def _hole_mean(errors, mask):
    mask = tf.convert_to_tensor(mask, tf.float32)
    pixels = tf.reduce_sum(mask, axis=(1, 2, 3))
    return tf.reduce_sum(errors * mask, axis=(1, 2, 3)) / (pixels * errors.shape[-1])


def _check_side(pictures, least, name):
    height, width = pictures.shape[1:3]
    if None not in (height, width) and min(height, width) < least:
        raise ValueError(f"{name} needs sides of at least {least} px, got {height}x{width}")


def checked(*pictures):
    """The pictures as float32 tensors, each within [0, 1]."""
    pictures = [tf.convert_to_tensor(picture, tf.float32) for picture in pictures]
    for picture in pictures:
        inside = tf.reduce_all((picture >= 0.0) & (picture <= 1.0))
        message = "metrics take pictures in [0, 1]; from [-1, 1] use x / 2 + 0.5"
        if tf.executing_eagerly() and not inside:
            raise ValueError(message)
        tf.debugging.Assert(inside, [message])
    return pictures
