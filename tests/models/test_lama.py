"""LaMa's generator against the published code's outputs, and what is particular to it."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from kinpaint import models
from kinpaint.layers.batch_norm import BatchNorm
from kinpaint.serving import signatures
from kinpaint.training.inpainter import Inpainter
from kinpaint.weights import lama, published
from tests.layer_harness import pictures
from tests.training import tiny

SIZES = ("64x64", "72x104")
CLOSE = {"down": 2e-5, "fourier": 2e-5, "block1": 2e-5, "blocks": 1e-3}


def seeded_weights(network, seed):
    """{published name: array} for a `lama` network, as drawn for the golden file."""
    pieces = lama.NAMING.pieces(network, ())
    return {name: _drawn(name, piece.shape, seed) for name, piece in pieces.items()}


def _drawn(name, shape, seed):
    rng = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    if len(shape) == 4:
        transposed = name in ("model.24.weight", "model.27.weight", "model.30.weight")
        axis, taps = (0, 9 / 4) if transposed else (1, shape[2] * shape[3])
        value = rng.normal(0, 1, shape)
        value -= value.mean(axis, keepdims=True)
        value *= (1.5 if name == "model.34.weight" else 1.4) / np.sqrt(shape[axis] * taps)
    elif name.endswith("running_mean"):
        value = rng.normal(0, 0.1, shape)
    elif name.endswith("running_var"):
        value = rng.uniform(0.5, 2, shape)
    elif name.endswith("weight"):
        value = rng.uniform(0.5, 1.5, shape) * (0.3 if ".conv2.bn_" in name else 1)
    else:
        value = rng.normal(0, 0.2, shape)
    return value.astype("float32")


@pytest.fixture(scope="module")
def official():
    """Big-lama with the golden file's weights, and the file."""
    network = models.build("lama")
    with np.load("tests/golden/lama_official.npz") as file:
        data = dict(file)
    published.assign(network, seeded_weights(network, int(data["seed"])), lama.NAMING)
    return network, data


def batch_of(data, size):
    """A picture of the golden file by this project's conventions."""
    image = tf.constant(2.0 * data[f"{size}/image"] - 1.0)
    return {"image": image, "mask": tf.constant(data[f"{size}/mask"])}


def unlike(output, data, size):
    """Largest difference from the published prediction, both in [0, 1]."""
    return np.abs(0.5 * (np.asarray(output) + 1.0) - data[f"{size}/predicted"]).max()


def test_it_has_the_published_number_of_parameters(official):
    network, _ = official
    assert sum(np.prod(w.shape) for w in network.trainable_weights) == 50_975_875
    assert network.count_params() - 50_975_875 == 81_152  # running statistics
    assert len(lama.NAMING.pieces(network, ())) == 837


def test_it_equals_the_published_code_layer_by_layer(official):
    network, data = official
    size = "72x104"
    batch = batch_of(data, size)
    x = tf.concat([0.5 * (batch["image"] + 1) * (1 - batch["mask"]), batch["mask"]], -1)
    for layer in (network.enter, *network.halves):
        x = layer(x)
    spectral = network.blocks[0][0].spectral
    entered = tf.nn.relu(spectral.norm(spectral.enter(x[..., 128:])))
    seen = {"down": x, "fourier": spectral.unit(entered)}
    for i, (first, second) in enumerate(network.blocks):
        x = x + second(first(x))
        seen |= {"block1": x} if i == 0 else {}
    for name, value in (seen | {"blocks": x}).items():
        assert np.abs(value - data[f"{size}/{name}"]).max() < CLOSE[name], name


@pytest.mark.parametrize("how", ["eager", "graph", "xla"])
def test_it_equals_the_published_code(official, how):
    network, data = official
    call = network.__call__
    if how == "graph":  # one trace for any size
        free = {k: tf.TensorSpec((None, None, None, c)) for k, c in (("image", 3), ("mask", 1))}
        call = tf.function(call, input_signature=[free])
    elif how == "xla":
        call = tf.function(call, jit_compile=True)
    for size in SIZES if how != "xla" else SIZES[1:]:
        assert unlike(call(batch_of(data, size))["output"], data, size) < 1e-4


@pytest.mark.slow
def test_a_saved_model_gives_the_published_picture(official, tmp_path):
    """Levels of 0..255: the golden pictures are whole levels, and the composite rounds."""
    network, data = official
    module = signatures.of(network)
    tf.saved_model.save(module, tmp_path, signatures={"serving_default": module.complete})
    served = tf.saved_model.load(tmp_path).signatures["serving_default"]
    for size in SIZES[1:]:
        image, mask = data[f"{size}/image"], data[f"{size}/mask"]
        levels = np.uint8(np.round(255 * image))
        completed = served(image=levels, mask=np.uint8(255 * mask))["completed"].numpy()
        expected = 255 * (mask * data[f"{size}/predicted"] + (1 - mask) * image)
        assert np.abs(completed - expected).max() <= 0.5 + 255 * 1e-4
        np.testing.assert_array_equal((completed != levels) * (1 - mask), 0)


def test_bfloat16_stays_near_the_published_outputs(official):
    network, data = official
    rough = models.build("lama", dtype="mixed_bfloat16")
    for mine, theirs in zip(rough.weights, network.weights, strict=True):
        mine.assign(theirs)
    output = 0.5 * (rough(batch_of(data, "64x64"))["output"] + 1.0)
    assert np.abs(output - data["64x64/predicted"]).mean() < 0.03


def test_settings_give_the_papers_networks():
    """Parameters counted by hand for small ones; 9 blocks of 64 are tested by their names."""
    width, blocks = 8, 2
    wide = 8 * width
    local, globe = wide // 4, 3 * wide // 4
    half = globe // 2
    ends = 49 * 4 * width + sum(9 * 2 * (width * 2**i) ** 2 for i in range(3))
    ends += (
        sum(9 * 2 * (width * 2**i) ** 2 + width * 2**i for i in range(3)) + 49 * 3 * width + 3
    )
    norms = 2 * (1 + 2 + 4 + 8 + 4 + 2 + 1) * width
    layer = 9 * (wide * local + local * globe) + 2 * globe * half + 4 * half**2
    layer += 2 * (wide + half + 2 * half)
    network = models.build("lama", width=width, blocks=blocks)
    counted = sum(np.prod(w.shape) for w in network.trainable_weights)
    assert counted == ends + norms + 2 * blocks * layer
    regular = models.build("lama", width=width, blocks=blocks, share=0)
    counted = sum(np.prod(w.shape) for w in regular.trainable_weights)
    assert counted == ends + norms + 2 * blocks * (9 * wide**2 + 2 * wide)
    for settings in ({"share": 1}, {"halvings": 1}, {"blocks": 0}):
        network = models.build("lama", width=4, blocks=settings.pop("blocks", 1), **settings)
        assert network(pictures())["output"].shape == (2, 16, 16, 3)


def test_frozen_norms_stay_and_the_rest_learns():
    network = models.build("lama", width=4, blocks=1, frozen_norms=True)
    norms = [x for x in network._flatten_layers() if isinstance(x, BatchNorm)]
    assert len(norms) == 1 + 3 + 2 * 3 + 3
    assert not any(norm.trainable_weights for norm in norms)
    kept = [w.numpy() for norm in norms for w in norm.weights]
    batch = {k: tf.constant(v) for k, v in pictures().items()}
    trained, shown = (network(batch, training=t)["output"] for t in (True, False))
    np.testing.assert_array_equal(trained, shown)
    for before, weight in zip(kept, (w for n in norms for w in n.weights), strict=True):
        np.testing.assert_array_equal(before, weight)
    twin = type(network).from_config(network.get_config())
    twin.build()
    assert len(twin.trainable_weights) == len(network.trainable_weights)


def test_what_was_imported_can_be_trained_on():
    """The running statistics move, every weight learns, and the average follows both."""
    network = models.build("lama", width=4, blocks=1)
    model = Inpainter(network, average_decay=0.5)
    model.compile(losses="l1")
    before = [w.numpy() for w in network.weights]
    batch = {k: tf.constant(v) for k, v in tiny.batch().items()}
    model.update(batch)
    for weight, old in zip(network.weights, before, strict=True):
        assert np.isfinite(weight).all() and np.abs(weight - old).max() > 0, weight.path
    for average, weight in zip(model.average, network.weights, strict=True):
        assert np.isfinite(average).all()
        assert average.shape == weight.shape


def test_the_hole_is_black_and_marked_as_the_authors_have_it():
    network, seen = models.build("lama", width=4, blocks=1), []
    call = network.enter.call
    network.enter.call = lambda x, **more: seen.append(np.asarray(x)) or call(x, **more)
    batch = pictures()
    network(batch)
    (x,) = seen
    hole = batch["mask"] > 0.5
    np.testing.assert_array_equal(x[..., 3:], batch["mask"])
    np.testing.assert_array_equal(np.where(hole, x[..., :3], 0.0), 0.0)
    np.testing.assert_allclose(
        np.where(hole, 0.0, x[..., :3]),
        np.where(hole, 0.0, 0.5 * (batch["image"] + 1.0)),
        atol=1e-7,
    )
