"""Quality metrics against goldens, a float64 reference, closed forms and scikit-image."""

import json

import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage import data, metrics, transform

from kinpaint.metrics import quality
from tests.metrics import recipe


def _gaussian():
    x = np.arange(11) - 5.0
    taps = np.exp(-(x**2) / (2 * 1.5**2))
    return np.outer(taps, taps) / taps.sum() ** 2


def _terms(a, b):
    """Mean luminance-contrast-structure and mean contrast-structure of one channel."""
    window = _gaussian()

    def blur(picture):
        return convolve2d(picture, window, mode="valid")

    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = blur(a), blur(b)
    variance = blur(a * a) + blur(b * b) - mean_a**2 - mean_b**2
    structure = (2 * (blur(a * b) - mean_a * mean_b) + c2) / (variance + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * structure).mean(), structure.mean()


def _halved(picture):
    """Mean of 2x2 blocks; an odd side is repeated at its end, as the original does."""
    picture = np.pad(picture, [(0, side % 2) for side in picture.shape], "symmetric")
    height, width = picture.shape
    return picture.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def reference_ms_ssim(a, b, weights=quality.MS_SSIM_WEIGHTS):
    """Wang et al. 2003 in float64, each channel by itself, averaged at the end."""
    channels = []
    for channel in range(3):
        x, y = (picture[..., channel].astype(float) for picture in (a, b))
        product = 1.0
        for scale, weight in enumerate(weights):
            full, structure = _terms(x, y)
            term = full if scale == len(weights) - 1 else structure
            product *= max(term, 0.0) ** weight
            x, y = _halved(x), _halved(y)
        channels.append(product)
    return np.mean(channels)


def _photo(side):
    photo = transform.resize(data.astronaut(), (side, side), anti_aliasing=True)
    return photo.astype("float32").clip(0, 1)


def test_ms_ssim_equals_pytorch_msssim(golden):
    file = json.loads((golden / "ms_ssim_golden.json").read_text())
    assert (file["picture_seed"], file["made_with"]["pytorch-msssim"]) == (5, "1.0.0")
    for size, expected in file["ms_ssim"].items():
        a, b = recipe.pictures(*map(int, size.split("x")))
        np.testing.assert_allclose(quality.ms_ssim(a, b), expected, atol=2e-5)


@pytest.mark.parametrize("side", [256, 255, 201, 177])
def test_ms_ssim_equals_the_float64_reference_also_at_odd_sides(side):
    a = _photo(side)
    b = a.copy()
    b[side // 4 : side // 2, side // 5 : side // 2] = a.mean(axis=(0, 1))
    expected = reference_ms_ssim(a, b)
    np.testing.assert_allclose(quality.ms_ssim(a[None], b[None])[0], expected, atol=2e-5)


@pytest.mark.parametrize(("side", "scales"), [(160, 4), (81, 4), (80, 3), (41, 3)])
def test_fewer_scales_use_the_first_weights_scaled_to_one(side, scales):
    a, b = recipe.pictures(side, side, count=1)
    weights = np.array(quality.MS_SSIM_WEIGHTS[:scales])
    assert quality.ms_ssim_scales(side) == scales
    np.testing.assert_allclose(
        quality.ms_ssim(a, b, scales)[0],
        reference_ms_ssim(a[0], b[0], weights / weights.sum()),
        atol=2e-5,
    )


def test_ms_ssim_refuses_160_px_and_takes_161():
    small, enough = (np.full((1, side, side, 3), 0.5, "float32") for side in (160, 161))
    with pytest.raises(ValueError, match="161 px, got 160x160"):
        quality.ms_ssim(small, small)
    assert float(quality.ms_ssim(enough, enough)[0]) == pytest.approx(1.0)
    assert quality.ms_ssim_scales(40) == 0
    assert [quality.ms_ssim_name(n) for n in (5, 4, 3)] == [
        "ms_ssim",
        "ms_ssim_4s",
        "ms_ssim_3s",
    ]


def test_an_inverted_picture_scores_zero_not_nan():
    a = _photo(176)[None]
    assert float(quality.ms_ssim(a, 1.0 - a)[0]) == 0.0


@pytest.mark.parametrize("metric", [quality.psnr, quality.ssim, quality.l1, quality.l2])
def test_pictures_outside_zero_to_one_are_refused(metric):
    good = np.full((1, 32, 32, 3), 0.5, "float32")
    for bad in (good * 2 - 1.5, good * 255, good * np.nan):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            metric(good, bad.astype("float32"))


def test_psnr_closed_form_and_scikit_image():
    flat = np.full((1, 16, 16, 3), 0.5, "float32")
    assert float(quality.psnr(flat, flat + 0.1)[0]) == pytest.approx(20.0, abs=1e-4)
    a, b = recipe.pictures(48, 64)
    expected = [
        metrics.peak_signal_noise_ratio(x, y, data_range=1.0) for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(quality.psnr(a, b), expected, atol=1e-4)


def test_ssim_equals_scikit_image_with_the_gaussian_window():
    a, b = (np.stack([_photo(64), _photo(64)[::-1]]) * scale for scale in (1.0, 0.8))
    b = b + 0.1 * recipe.pictures(64, 64)[1]
    settings = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 1.0,
        "channel_axis": -1,
    }
    expected = [
        metrics.structural_similarity(x.astype(float), y.astype(float), **settings)
        for x, y in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(quality.ssim(a, b), expected, atol=1e-5)


def test_identical_pictures_are_infinite_not_a_large_number():
    a, _ = recipe.pictures(32, 32)
    assert np.isposinf(quality.psnr(a, a)).all()
    assert np.isposinf(quality.psnr_hole(a, a, np.ones((2, 32, 32, 1), "float32"))).all()


def test_hole_metrics_look_at_the_hole_alone():
    truth = np.full((2, 20, 10, 3), 0.5, "float32")
    mask = np.zeros((2, 20, 10, 1), "float32")
    mask[0, :5] = 1.0
    completed = truth + 0.2 * mask + 0.3 * (1 - mask)  # worse outside
    np.testing.assert_allclose(
        quality.l1_hole(truth, completed, mask), [0.2, np.nan], rtol=1e-5
    )
    expected = [-20 * np.log10(0.2), np.nan]
    np.testing.assert_allclose(quality.psnr_hole(truth, completed, mask), expected, rtol=1e-5)


def test_l1_and_l2_are_one_value_a_picture():
    a, b = recipe.pictures(24, 40)
    np.testing.assert_allclose(quality.l1(a, b), np.abs(a - b).mean(axis=(1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(quality.l2(a, b), ((a - b) ** 2).mean(axis=(1, 2, 3)), rtol=1e-5)
