"""Metrics of completed pictures: each by itself, and means with their intervals.

`quality` compares with the truth pixel by pixel, `lpips` through a trained trunk;
`diversity` compares samples with each other; `frechet` compares sets; `aggregate`
turns values into means, intervals and paired differences. Pictures are float32
[N, H, W, 3] in [0, 1].

    kinpaint.metrics.ms_ssim(a, b)  # float32 [N]
    kinpaint.metrics.Lpips("alex", weights_dir=DIR)(a, b)
"""

from kinpaint import lazy

# What each public name lies in; a module is imported when its first name is used.
__getattr__, __dir__, __all__ = lazy.names(
    __name__,
    {
        "psnr": "quality",
        "psnr_hole": "quality",
        "l1": "quality",
        "l2": "quality",
        "l1_hole": "quality",
        "ssim": "quality",
        "ms_ssim": "quality",
        "Lpips": "lpips",
        "Diversity": "diversity",
        "summarise": "aggregate",
        "paired": "aggregate",
    },
)
