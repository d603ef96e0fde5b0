"""Fast Fourier convolutions against NumPy's transforms, and their parts."""

import numpy as np
import pytest
import tensorflow as tf

from kinpaint.layers import fourier
from kinpaint.layers.batch_norm import BatchNorm
from tests.layer_harness import Harness

SIDES = [(8, 6), (5, 7), (1, 1), (1, 4), (9, 13)]


def _features(height=7, width=6, channels=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (2, height, width, channels)).astype("float32")


class TestFourierUnit(Harness):
    def make(self, dtype=None):
        return fourier.FourierUnit(3, dtype=dtype)

    def inputs(self):
        return (_features(),)


class TestSpectralTransform(Harness):
    def make(self, dtype=None):
        return fourier.SpectralTransform(6, dtype=dtype)

    def inputs(self):
        return (_features(),)


class TestSpectralTransformStrided(Harness):
    def make(self, dtype=None):
        return fourier.SpectralTransform(4, strides=2, dtype=dtype)

    def inputs(self):
        return (_features(8, 6),)


class TestFFC(Harness):
    def make(self, dtype=None):
        return fourier.FFC(8, share_in=0.5, share_out=0.75, dtype=dtype)

    def inputs(self):
        return (_features(),)


class TestFFCToGlobal(Harness):
    def make(self, dtype=None):
        return fourier.FFC(8, strides=2, share_out=0.75, dtype=dtype)

    def inputs(self):
        return (_features(8, 6),)


class TestFFCAllGlobal(Harness):
    def make(self, dtype=None):
        return fourier.FFC(4, share_in=1.0, share_out=1.0, dtype=dtype)

    def inputs(self):
        return (_features(),)


class TestBatchNorm(Harness):
    def make(self, dtype=None):
        return BatchNorm(dtype=dtype)

    def inputs(self):
        return (_features(),)


def _numpys(x):
    """The spectrum with its parts in turn, by NumPy in float64."""
    z = np.fft.rfft2(np.float64(x), axes=(1, 2), norm="ortho")
    return np.stack([z.real, z.imag], -1).reshape(*z.shape[:3], -1)


def _numpys_picture(z, size):
    """What NumPy makes of any numbers in place of a spectrum."""
    pairs = np.float64(z).reshape(*z.shape[:3], -1, 2)
    z = np.fft.ifft(pairs[..., 0] + 1j * pairs[..., 1], axis=1, norm="ortho")
    z[:, :, 0] = z[:, :, 0].real
    if size[1] % 2 == 0:
        z[:, :, -1] = z[:, :, -1].real
    return np.fft.irfft(z, n=size[1], axis=2, norm="ortho")


@pytest.mark.parametrize("backend", ["tensorflow", "other"])
@pytest.mark.parametrize("size", SIDES)
def test_the_spectrum_and_its_inverse_are_numpys(size, backend, monkeypatch):
    """Also in the form for other backends, of `keras.ops` alone."""
    monkeypatch.setattr(fourier.keras.backend, "backend", lambda: backend)
    x = _features(*size, 3)
    np.testing.assert_allclose(fourier.spectrum(x), _numpys(x), atol=2e-6)
    z = _features(size[0], size[1] // 2 + 1, 6, seed=1)  # of no real picture
    expected = _numpys_picture(z, size)
    np.testing.assert_allclose(fourier.picture(z, *size), expected, atol=3e-6)
    back = fourier.picture(fourier.spectrum(x), *size)
    np.testing.assert_allclose(back, x, atol=2e-6)


def test_the_gradient_of_both_is_that_of_their_matrices():
    """Both are linear: what comes back is the transposed map, here found column by column."""
    size = (4, 5)
    x, z = _features(*size, 1)[:1], _features(4, 3, 2, seed=1)[:1]
    cases = (
        (lambda v: fourier.spectrum(v), x, _numpys),
        (lambda v: fourier.picture(v, *size), z, lambda v: _numpys_picture(v, size)),
    )
    for ours, given, exact in cases:
        given, units = tf.constant(given), np.eye(given.size).reshape(-1, *given.shape[1:])
        columns = np.reshape(exact(np.float32(units)), (len(units), -1))
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = ours(given)
            back = _features(*value.shape[1:], seed=2)[:1]
            total = tf.reduce_sum(value * back)
        expected = columns @ back.ravel()
        np.testing.assert_allclose(np.ravel(tape.gradient(total, given)), expected, atol=1e-5)


@pytest.mark.parametrize("margin", [1, 3])
@pytest.mark.parametrize("size", [(8, 6), (4, 5), (2, 3), (1, 4), (1, 1)])
def test_reflection_is_numpys_and_folds_as_often_as_needed(size, margin):
    x = _features(*size)
    margins = ((0, 0), (margin, margin), (margin, margin), (0, 0))
    expected = np.pad(x, margins, "reflect")
    np.testing.assert_array_equal(fourier.reflect(x, margin), expected)
    spec = tf.TensorSpec((None, None, None, 4))
    traced = tf.function(lambda x: fourier.reflect(x, margin), input_signature=[spec])
    np.testing.assert_array_equal(traced(x), expected)


def test_one_layer_sees_the_whole_picture():
    layer = fourier.FFC(8, share_in=0.5, share_out=0.5)
    x = _features(16, 16)
    before = np.asarray(layer(x))
    x[:, 0, 0] += 1.0
    moved = np.abs(np.asarray(layer(x)) - before).max(axis=(0, 3)) > 1e-7
    assert moved.mean() > 0.9
    plain = fourier.FFC(8)
    before = np.asarray(plain(_features(16, 16)))
    assert (np.abs(np.asarray(plain(x)) - before).max(axis=(0, 3)) > 1e-7).sum() == 4


def test_shares_are_checked():
    with pytest.raises(ValueError, match="shares are between 0 and 1"):
        fourier.FFC(8, share_in=1.5)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_batch_norm_moves_its_statistics_as_pytorch_does(dtype):
    """PyTorch's rule, written out: momentum 0.1 on the new, the unbiased variance kept."""
    layer, x = BatchNorm(dtype=dtype), 3.0 + 2.0 * _features()
    layer.build(x.shape)
    layer.gamma.assign([1.0, 2.0, 3.0, 4.0])
    layer.beta.assign([0.5, 0.0, -0.5, 1.0])
    given = np.float64(tf.cast(tf.cast(x, layer.compute_dtype), "float32")).reshape(-1, 4)
    mean, variance, unbiased = given.mean(0), given.var(0), given.var(0, ddof=1)
    expected = (given - mean) / np.sqrt(variance + 1e-5) * layer.gamma + layer.beta
    close = {"float32": 1e-5, "mixed_bfloat16": 0.04}[dtype]
    trained = np.asarray(tf.cast(layer(x, training=True), "float32")).reshape(-1, 4)
    np.testing.assert_allclose(trained, expected, atol=close)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * unbiased, rtol=1e-5)
    kept = [np.array(w) for w in (layer.moving_mean, layer.moving_variance)]
    layer.trainable = False
    frozen = np.asarray(tf.cast(layer(x, training=True), "float32")).reshape(-1, 4)
    by_kept = (given - kept[0]) / np.sqrt(kept[1] + 1e-5) * layer.gamma + layer.beta
    np.testing.assert_allclose(frozen, by_kept, atol=5 * close)
    np.testing.assert_array_equal(layer.moving_mean, kept[0])
    np.testing.assert_array_equal(layer.moving_variance, kept[1])
