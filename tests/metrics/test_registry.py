"""What is known of metrics, and that the whole project asks the one place."""

import pytest

from kinpaint.metrics import registry


def test_directions_and_digits():
    assert registry.higher_is_better("psnr_hole") and registry.higher_is_better("ms_ssim_3s")
    assert not registry.higher_is_better("lpips_alex")
    assert registry.of("l1_hole").arrow == "↓" and registry.of("psnr").arrow == "↑"
    assert registry.of("psnr").value(21.456) == "21.46 dB"
    assert registry.of("psnr").value(float("inf")) == "∞ dB"
    assert registry.of("lpips_alex").value(0.04151) == "0.0415"
    assert registry.of("psnr").value(-0.5) == "\N{MINUS SIGN}0.50 dB"
    assert registry.of("psnr").value(None) == "–"


@pytest.mark.parametrize("name", ["seconds_per_image", "diversity_lpips", "unheard_of"])
def test_what_says_nothing_of_quality_has_no_better_side(name):
    assert not registry.of(name).ranked and registry.of(name).arrow == ""
    with pytest.raises(ValueError, match=name):
        registry.higher_is_better(name)


def test_every_metric_says_what_it_is():
    for name, metric in registry.METRICS.items():
        assert metric.name == name and metric.label and metric.better in ("higher", "lower", "")
        low, high = metric.range
        assert low is not None and (high is None or high > low)
