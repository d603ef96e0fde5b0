"""Plain, gated, partial and spectrally normalised convolutions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.layers import dilated
from kinpaint.layers.conv import PlainConv2D
from kinpaint.layers.gated_conv import GatedConv2D
from kinpaint.layers.lean import lean
from kinpaint.layers.partial_conv import PartialConv2D
from kinpaint.layers.spectral_norm import SpectralConv2D
from tests.layer_harness import Harness


def _features(height=8, width=6, channels=3, seed=0):
    return (
        np.random.default_rng(seed).normal(0, 1, (2, height, width, channels)).astype("float32")
    )


class TestPlain(Harness):
    def make(self, dtype=None):
        return PlainConv2D(4, dilation_rate=2, dtype=dtype)

    def inputs(self):
        return (_features(7, 5),)


class TestGatedStrided(Harness):
    def make(self, dtype=None):
        return GatedConv2D(4, 5, strides=2, dtype=dtype)

    def inputs(self):
        return (_features(7, 5),)


class TestGatedDoubling(Harness):
    def make(self, dtype=None):
        return GatedConv2D(4, double=True, activation="relu", dtype=dtype)

    def inputs(self):
        return (_features(7, 5),)


class TestPartial(Harness):
    def make(self, dtype=None):
        return PartialConv2D(4, strides=2, dtype=dtype)

    def inputs(self):
        return _features(), (_features(channels=1, seed=1) > -0.5).astype("float32")

    def test_one_compiled_train_step(self):
        super().test_one_compiled_train_step("float32")


class TestSpectral(Harness):
    def make(self, dtype=None):
        return SpectralConv2D(4, dtype=dtype)

    def inputs(self):
        return (_features(),)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype, close", [("float32", 1e-6), ("bfloat16", 0.01)])
def test_lean_gives_the_exact_gate_and_its_gradients(dtype, close, compiled):
    rng = np.random.default_rng(0)
    inputs = [tf.constant(rng.normal(0, 2, (4, 5)), dtype) for _ in range(3)]

    def gate(x, y):
        return tf.nn.elu(x) * tf.sigmoid(y)

    def results(function, x, y, back):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            z = function(x, y)
        return [z, *tape.gradient(z, [x, y], back)]

    work = tf.function(results) if compiled else results
    ours = work(lambda x, y: lean(gate, x, y), *inputs)
    expected = results(gate, *(tf.cast(x, "float32") for x in inputs))
    for mine, right in zip(ours, expected, strict=True):
        assert mine.dtype == dtype
        np.testing.assert_allclose(tf.cast(mine, "float32"), right, rtol=close, atol=1e-6)


def test_the_first_half_makes_features_and_the_second_gates():
    layer, x = GatedConv2D(1, 1), np.ones((1, 1, 1, 1), "float32")
    layer.build(x.shape)
    layer.kernel.assign(np.array([-1.0, 2.0]).reshape(1, 1, 1, 2))
    layer.bias.assign([0.5, -1.0])
    expected = np.expm1(-0.5) / (1 + np.exp(-1.0))  # ELU(-0.5) * sigmoid(1)
    np.testing.assert_allclose(np.ravel(layer(x)), [expected], rtol=1e-6)


@pytest.mark.parametrize("height, width", [(1, 1), (1, 4), (7, 5)])
def test_doubling_equals_repeating_pixels_and_convolving(height, width):
    x = _features(height, width)
    layer = PlainConv2D(4, double=True, activation="linear")
    layer(x)
    layer.bias.assign([0.1, 0.2, 0.3, 0.4])
    twice = np.repeat(np.repeat(x, 2, 1), 2, 2)
    expected = tf.nn.conv2d(twice, layer.kernel.value, 1, "SAME") + layer.bias.value
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


def test_doubling_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="double needs"):
        GatedConv2D(4, 5, double=True)


@pytest.mark.parametrize("dtype, close", [("float32", 1e-5), ("bfloat16", 0.05)])
@pytest.mark.parametrize("side", [1, 5, 16])
@pytest.mark.parametrize("rate", [2, 16])
def test_dilated_equals_many_small_pictures_with_its_gradients(side, rate, dtype, close):
    rng = np.random.default_rng(side * rate)
    shapes = (2, side, side + 1, 8), (3, 3, 8, 6), (2, side, side + 1, 6)
    x, kernel, upstream = (tf.constant(rng.normal(size=shape), dtype) for shape in shapes)

    def results(convolve, *inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs[:2])
            y = convolve(*inputs[:2])
        return [y, *tape.gradient(y, inputs[:2], inputs[2])]

    ours = tf.function(results)(
        lambda *inputs: dilated.conv(*inputs, dilation_rate=rate), x, kernel, upstream
    )
    exact = [tf.cast(value, "float32") for value in (x, kernel, upstream)]
    expected = results(
        lambda *inputs: tf.nn.convolution(*inputs, 1, "SAME", dilations=rate), *exact
    )
    for mine, right in zip(ours, expected, strict=True):
        np.testing.assert_allclose(
            tf.cast(mine, "float32"), right, atol=close * np.abs(right).max()
        )


@pytest.mark.parametrize("strides, rate", [(1, 1), (2, 1), (1, 4)])
def test_the_dilated_layer_equals_keras_own(strides, rate):
    x = _features()
    options = {"strides": strides, "dilation_rate": rate, "padding": "same"}
    own, keras_own = (
        cls(4, 3, **options) for cls in (dilated.DilatedConv2D, keras.layers.Conv2D)
    )
    own.build(x.shape)
    keras_own.build(x.shape)
    keras_own.set_weights(own.get_weights())
    np.testing.assert_allclose(own(x), keras_own(x), atol=1e-5)


@pytest.mark.parametrize("strides", [1, 2])
def test_partial_with_all_known_is_the_plain_convolution(strides):
    x = _features()
    layer = PartialConv2D(4, 5, strides=strides)
    y, known = layer(x, np.ones((2, 8, 6, 1), "float32"))
    expected = tf.nn.conv2d(x, layer.kernel.value, strides, "SAME") + layer.bias.value
    np.testing.assert_allclose(y, expected, atol=1e-5)
    np.testing.assert_array_equal(known, 1.0)


def test_partial_scales_by_the_known_share_of_the_window():
    layer = PartialConv2D(1)
    layer.build((None, None, None, 1))
    layer.kernel.assign(np.ones((3, 3, 1, 1)))
    layer.bias.assign([0.25])
    known = np.zeros((1, 5, 5, 1), "float32")
    known[0, 1, 1] = known[0, 2, 3] = 1.0
    x = np.where(known > 0, np.float32(2.0), np.float32(np.nan_to_num(77.0)))
    y, after = layer(x, known)
    # Window of 9 with two known values of 2: 4 * 9 / 2; at the corner 4 places, one known.
    np.testing.assert_allclose(y[0, 2, 2, 0], 4 * 9 / 2 + 0.25, rtol=1e-6)
    np.testing.assert_allclose(y[0, 0, 0, 0], 2 * 4 / 1 + 0.25, rtol=1e-6)
    assert y[0, 4, 0, 0] == 0.0
    expected = np.zeros((5, 5))
    expected[0:3, 0:3] = expected[1:4, 2:5] = 1.0
    np.testing.assert_array_equal(after[0, ..., 0], expected)


def test_partial_as_nvidia_counts_the_padding():
    layer = PartialConv2D(1, padding_is_hole=True)
    layer.build((None, None, None, 1))
    layer.kernel.assign(np.ones((3, 3, 1, 1)))
    y, _ = layer(np.ones((1, 4, 4, 1), "float32"), np.ones((1, 4, 4, 1), "float32"))
    np.testing.assert_allclose(y, 9.0, rtol=1e-6)  # corner: 4 * 9 / 4


def test_partial_counts_channels_that_have_holes_of_their_own():
    layer = PartialConv2D(1, 1)
    layer.build((None, None, None, 2))
    layer.kernel.assign(np.ones((1, 1, 2, 1)))
    known = np.array([1.0, 0.0], "float32").reshape(1, 1, 1, 2)
    y, after = layer(np.array([3.0, 9.0], "float32").reshape(1, 1, 1, 2), known)
    np.testing.assert_allclose(np.ravel(y), [3.0 * 2 / 1], rtol=1e-6)
    np.testing.assert_array_equal(np.ravel(after), [1.0])


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_partial_without_any_known_pixel_is_zero_with_finite_gradients(policy):
    layer = PartialConv2D(4, 7, dtype=policy)
    x = tf.constant(_features() * 100)
    layer.build(x.shape)
    layer.bias.assign([1.0, 2.0, 3.0, 4.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, known = layer(x, tf.zeros((2, 8, 6, 1)))
        loss = tf.reduce_sum(tf.cast(y, "float32"))
    np.testing.assert_array_equal(y, 0.0)
    np.testing.assert_array_equal(known, 0.0)
    for gradient in tape.gradient(loss, [x, *(w.value for w in layer.trainable_weights)]):
        np.testing.assert_array_equal(gradient, 0.0)


def _settled(layer, x, calls=60):
    step = tf.function(lambda: layer(x, training=True))
    for _ in range(calls):
        step()
    return layer


def _norm(kernel):
    return np.linalg.norm(np.reshape(kernel, (-1, kernel.shape[-1])), 2)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_spectral_norm_of_the_used_kernel_is_one(policy):
    layer, x = SpectralConv2D(4, dtype=policy), _features()
    layer(x)
    layer.kernel.assign(layer.kernel * 7.3)
    before = layer.kernel.numpy()
    _settled(layer, x)
    used = keras.ops.convert_to_numpy(layer.normalised_kernel())
    assert abs(_norm(used) - 1.0) < 1e-4
    np.testing.assert_array_equal(layer.kernel.numpy(), before)
    np.testing.assert_allclose(used, before / _norm(before), atol=1e-4)


def test_spectral_vector_moves_in_training_only():
    layer, x = SpectralConv2D(4), _features()
    layer(x)
    before = layer.u.numpy()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u.numpy(), before)
    layer(x, training=True)
    assert np.abs(layer.u.numpy() - before).max() > 1e-3


def test_spectral_one_iteration_is_the_published_one():
    layer, x = SpectralConv2D(4), _features()
    layer(x)
    w = np.reshape(layer.kernel.numpy(), (-1, 4)).astype("float64")
    v = layer.u.numpy() @ w.T
    v /= np.linalg.norm(v) + 1e-12
    u = v @ w
    u /= np.linalg.norm(u) + 1e-12
    expected = layer.kernel.numpy() / (v @ w @ u.T).item()
    np.testing.assert_allclose(layer.normalised_kernel(training=True), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.u.numpy(), u, rtol=1e-5, atol=1e-6)


def test_spectral_gradient_is_orthogonal_to_the_kernel():
    layer, x = SpectralConv2D(4), _features()
    _settled(layer, x)
    target = np.random.default_rng(3).normal(size=(2, 4, 3, 4)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((layer(x) - layer.bias) * target)
    gradient, kernel = tape.gradient(loss, layer.kernel.value).numpy(), layer.kernel.numpy()
    cosine = (gradient * kernel).sum() / np.linalg.norm(gradient) / np.linalg.norm(kernel)
    assert abs(cosine) < 1e-3
