"""DeepFill v2 against the published code's outputs, and its parts."""

import numpy as np
import pytest
import tensorflow as tf

from kinpaint import models
from kinpaint.weights import deepfill, published
from tests.layer_harness import pictures

# The published order of the convolutions, which is also that of the seeded weights.
ORDER = [
    *("conv1 conv2_downsample conv3 conv4_downsample conv5 conv6 conv7_atrous").split(),
    *("conv8_atrous conv9_atrous conv10_atrous conv11 conv12 conv13_upsample").split(),
    *("conv14 conv15_upsample conv16 conv17 xconv1 xconv2_downsample xconv3").split(),
    *("xconv4_downsample xconv5 xconv6 xconv7_atrous xconv8_atrous xconv9_atrous").split(),
    *("xconv10_atrous pmconv1 pmconv2_downsample pmconv3 pmconv4_downsample").split(),
    *("pmconv5 pmconv6 pmconv9 pmconv10 allconv11 allconv12 allconv13_upsample").split(),
    *("allconv14 allconv15_upsample allconv16 allconv17").split(),
]


def seeded_weights(network, seed):
    """{published name: array}, drawn as for the golden file: gates stay open, biases count."""
    pieces = deepfill.NAMING.pieces(network, ())
    arrays = {}
    for i, layer in enumerate(ORDER):
        inside = f"{layer}/{layer}_conv" if layer.endswith("_upsample") else layer
        name = f"inpaint_net/{inside}"
        rng = np.random.RandomState(seed * 1000 + i)
        shape = pieces[f"{name}/kernel"].shape
        arrays[f"{name}/kernel"] = rng.normal(0, 2.2 / np.sqrt(np.prod(shape[:3])), shape)
        arrays[f"{name}/bias"] = rng.normal(0, 0.05, shape[3])
    return arrays


@pytest.fixture(scope="module")
def official():
    """The network with the golden file's weights, and the file."""
    network = models.build("gated", width=48, published=True)
    with np.load("tests/golden/deepfill_v2_official.npz") as file:
        data = dict(file)
    arrays = seeded_weights(network, int(data["seed"]))
    published.assign(network, arrays, deepfill.NAMING, "rgb")
    return network, data


def test_it_has_the_published_number_of_parameters():
    network = models.build("gated", width=48)
    assert network.count_params() == 4_052_478
    assert sum(np.prod(w.shape) for w in network.trainable_weights) == 4_052_478


@pytest.mark.parametrize("size", ["64x64", "72x104"])
def test_it_equals_the_published_code(official, size):
    network, data = official
    outputs = network({"image": data[f"{size}/image"], "mask": data[f"{size}/mask"]})
    for mine, theirs in (("coarse", "stage1"), ("output", "stage2")):
        difference = np.abs(outputs[mine] - data[f"{size}/{theirs}"])
        assert difference.max() < 3e-5
        assert difference.mean() < 2e-6


def test_bfloat16_stays_near_the_published_outputs(official):
    network, data = official
    rough = models.build("gated", dtype="mixed_bfloat16", width=48)
    for mine, theirs in zip(rough.weights, network.weights, strict=True):
        mine.assign(theirs)
    outputs = rough({"image": data["64x64/image"], "mask": data["64x64/mask"]})
    assert np.abs(outputs["output"] - data["64x64/stage2"]).mean() < 0.02


def test_the_sketch_steers_inside_the_hole_only():
    network = models.build("gated", width=8, guided=True)
    batch = pictures()
    plain = models.build("gated", width=8)
    assert network.count_params() - plain.count_params() == 5 * 5 * 8  # one channel of conv1
    without = network(batch)["output"]
    hole, known = batch["mask"], 1.0 - batch["mask"]
    np.testing.assert_array_equal(network({**batch, "edges": known})["output"], without)
    assert np.abs(network({**batch, "edges": hole})["output"] - without).max() > 1e-5


def test_the_refining_network_sees_the_coarse_picture_in_the_hole_only():
    network, batch = models.build("gated", width=8), pictures()
    before = network(batch)
    network.coarse_rgb.bias.assign([2.0, 2.0, 2.0])
    after = network(batch)
    assert np.abs(after["output"] - before["output"]).max() > 1e-6
    everything_known = {**batch, "mask": np.zeros_like(batch["mask"])}
    network.coarse_rgb.bias.assign([0.0, 0.0, 0.0])
    before = network(everything_known)["output"]
    network.coarse_rgb.bias.assign([2.0, 2.0, 2.0])
    np.testing.assert_array_equal(network(everything_known)["output"], before)


def test_the_gradient_reaches_the_coarse_network_through_the_refinement():
    network, batch = models.build("gated", width=8), pictures()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.abs(network(batch)["output"] - 0.5))
    gradients = tape.gradient(loss, [w.value for w in network.coarse[0].trainable_weights])
    assert all(np.abs(g).max() > 0 for g in gradients)
