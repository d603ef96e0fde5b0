"""Contextual attention against its textbook form, and its promises."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.layers import contextual_attention
from kinpaint.layers.contextual_attention import ContextualAttention
from kinpaint.layers.resample import shrink_aligned
from tests.layer_harness import Harness
from tests.layers import reference


def _case(batch, height, width, channels=5, seed=0):
    """ReLU features and distinct holes, [B, H, W, C] and [B, H, W, 1]."""
    rng = np.random.default_rng(seed)
    features = np.maximum(rng.normal(0, 0.5, (batch, height, width, channels)), 0)
    mask = np.zeros((batch, height, width, 1), "float32")
    for i in range(batch):
        mask[i, i : i + height // 2, i : i + width // 3] = 1.0
    return features.astype("float32"), mask


class TestHarness(Harness):
    def make(self, dtype=None):
        return ContextualAttention(dtype=dtype)

    def inputs(self):
        return _case(2, 8, 12)

    def test_one_compiled_train_step(self):
        pytest.skip("has no weights; its gradient is tested below")


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(
    "height, width", [(2, 2), (2, 8), (8, 2), (4, 4), (6, 10), (14, 6), (16, 26)]
)
def test_equals_the_textbook_form(height, width, fused):
    features, mask = _case(2, height, width)
    layer = ContextualAttention(fuse=fused)
    rebuilt, weights, _ = layer(features, mask, return_attention=True)
    for i in range(2):
        expected, expected_weights = reference.attention(features[i], mask[i], fused=fused)
        np.testing.assert_allclose(rebuilt[i], expected, atol=2e-5)
        flat = np.reshape(weights[i], expected_weights.shape)
        np.testing.assert_allclose(flat, expected_weights, atol=2e-5)


def test_the_fuse_runs_on_over_row_ends_as_published():
    features, mask = _case(1, 8, 8)
    with_fuse = ContextualAttention()(features, mask)
    without = ContextualAttention(fuse=False)(features, mask)
    assert np.abs(with_fuse - without).max() > 0.05


@pytest.mark.parametrize("height, elements", [(10, 1), (14, 200), (14, 500)])
def test_blocks_of_queries_change_nothing(monkeypatch, height, elements):
    features, mask = _case(2, height, 8)
    layer = ContextualAttention()
    whole = layer(features, mask, return_attention=True)
    monkeypatch.setattr(contextual_attention, "BLOCK_ELEMENTS", elements)
    traced = tf.function(
        lambda f, m: layer(f, m, return_attention=True),
        input_signature=[
            tf.TensorSpec((None, None, None, 5)),
            tf.TensorSpec((None, None, None, 1)),
        ],
    )
    for blocked in (layer(features, mask, return_attention=True), traced(features, mask)):
        for a, b in zip(blocked, whole, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_each_sample_uses_its_own_mask():
    features, mask = _case(1, 8, 8)
    features, masks = np.repeat(features, 2, 0), np.concatenate([mask, mask[:, ::-1]])
    _, weights, _ = ContextualAttention()(features, masks, return_attention=True)
    for i in range(2):
        _, expected = reference.attention(features[i], masks[i])
        np.testing.assert_allclose(np.reshape(weights[i], expected.shape), expected, atol=1e-5)
    assert np.abs(weights[0] - weights[1]).max() > 1e-3


@pytest.mark.parametrize("published", [True, False])
def test_without_a_usable_key_the_result_is_zero(published):
    features, mask = _case(1, 8, 8)
    layer = ContextualAttention(published=published)
    np.testing.assert_array_equal(layer(features, np.ones_like(mask)), 0.0)


def test_the_mended_rule_sums_to_one_and_keeps_a_constant():
    _, mask = _case(1, 8, 8)
    constant = np.full((1, 8, 8, 5), 0.7, "float32")
    rebuilt, weights, _ = ContextualAttention(published=False)(
        constant, mask, return_attention=True
    )
    np.testing.assert_allclose(np.sum(weights, -1), 1.0, atol=1e-5)
    # A pasted patch of an edge key reaches outside the map, where there is nothing.
    assert (
        np.abs(rebuilt - 0.7).max() < np.abs(ContextualAttention()(constant, mask) - 0.7).max()
    )


def test_a_known_place_matches_itself_best():
    features, mask = _case(1, 12, 20)
    _, weights, flow = ContextualAttention(fuse=False)(features, mask, return_attention=True)
    _, expected = reference.attention(features[0], mask[0], fused=False)
    usable = np.reshape(expected.sum(0) > 0, (6, 10))
    assert flow.shape == (1, 6, 10, 2) and 10 < usable.sum() < 60
    np.testing.assert_array_equal(np.asarray(flow)[0][usable], 0)
    best = np.argmax(np.asarray(weights)[0], -1)
    rows, columns = np.mgrid[0:6, 0:10]
    np.testing.assert_array_equal(flow[0, ..., 0], best // 10 - rows)
    np.testing.assert_array_equal(flow[0, ..., 1], best % 10 - columns)


def test_the_gradient_is_that_of_the_textbook_form():
    features, mask = _case(1, 4, 6, channels=2)
    weights = np.random.default_rng(1).normal(size=features.shape)
    layer = ContextualAttention()
    with tf.GradientTape() as tape:
        x = tf.constant(features)
        tape.watch(x)
        loss = tf.reduce_sum(layer(x, mask) * weights.astype("float32"))
    gradient = tape.gradient(loss, x).numpy()
    rng = np.random.default_rng(2)
    for _ in range(4):
        step = rng.normal(size=features[0].shape) * 1e-6
        ends = [
            (reference.attention(features[0] + s * step, mask[0])[0] * weights[0]).sum()
            for s in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / 2
        assert (
            abs((gradient[0] * step).sum() - expected)
            < 2e-3 * np.abs(gradient).max() * 1e-6 * 10
        )


def test_all_zero_features_have_finite_gradients():
    layer = ContextualAttention()
    mask = _case(1, 8, 8)[1]
    with tf.GradientTape() as tape:
        x = tf.zeros((1, 8, 8, 5))
        tape.watch(x)
        loss = tf.reduce_sum(layer(x, mask))
    assert np.isfinite(tape.gradient(loss, x)).all()


@pytest.mark.parametrize("size", [4, 6, 8, 36, 52, 100, 256])
@pytest.mark.parametrize("factor", [2, 4])
def test_shrinking_picks_the_published_pixels(size, factor):
    if size % factor:
        pytest.skip("sides are multiples of the factor")
    x = np.arange(size, dtype="float32")[None, :, None, None] * np.ones((1, 1, size, 1))
    small = keras.ops.convert_to_numpy(shrink_aligned(x, factor))
    np.testing.assert_array_equal(small[0, :, 0, 0], reference.aligned_index(size, factor))
