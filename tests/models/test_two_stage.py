"""What the refining network is told, and the ablation without attention."""

import keras
import numpy as np
import pytest

from kinpaint import models
from tests.layer_harness import pictures


@pytest.mark.parametrize("name", ["gated", "contextual"])
def test_a_refining_network_that_corrects_sees_the_mask(name):
    width = {"gated": 8, "contextual": 4}[name]
    network = models.build(name, width=width, fill="pull_push")
    assert network.refine[0].kernel.shape[2] == 5  # RGB, ones plane, mask
    mask = pictures(1, 32, 32)["mask"]
    network.coarse_rgb.kernel.assign(0 * network.coarse_rgb.kernel)  # a coarse no-op ...
    network.refined_rgb.kernel.assign(
        keras.random.normal(network.refined_rgb.kernel.shape, seed=0)
    )
    flat = np.full((1, 32, 32, 3), 0.25, "float32")  # ... of a flat picture shows the mask only
    hidden, shown = (network({"image": flat, "mask": m})["output"] for m in (mask, 0 * mask))
    assert np.abs(hidden - shown).max() > 1e-3


def test_the_published_refining_network_sees_the_picture_alone():
    assert models.build("gated", width=8).refine[0].kernel.shape[2] == 3


@pytest.mark.parametrize("fill", ["zero", "pull_push"])
def test_without_attention_the_second_branch_is_gone(fill):
    whole = models.build("gated", width=8, fill=fill)
    network = models.build("gated", width=8, fill=fill, attention=False)
    branch = sum(layer.count_params() for layer in whole.match)
    joined = 9 * 16 * 32  # kernel rows of allconv11 that read the branch: 4 * 8 / 2 channels
    assert whole.count_params() - network.count_params() == branch + joined
    assert network(pictures(2, 40, 24))["output"].shape == (2, 40, 24, 3)
    again = type(network).from_config(network.get_config())
    assert again.get_config()["attention"] is False
