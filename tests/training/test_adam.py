"""The optimizer against Keras' own."""

import keras
import numpy as np
import pytest

from kinpaint.options import OptimizerOptions
from kinpaint.training import checkpoints, precision
from kinpaint.training.adam import Adam


def _trained(make):
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype("float32") for shape in ((3, 5), (5,))]
    weights = [keras.Variable(value, name=f"w{i}") for i, value in enumerate(start)]
    optimizer = make(keras.optimizers.schedules.PolynomialDecay(0.1, 5), 0.5, 0.9, 1e-8)
    optimizer.build(weights)
    for _ in range(4):
        optimizer.apply([rng.normal(size=w.shape).astype("float32") for w in weights], weights)
    return weights, optimizer


def test_it_steps_as_keras_does_and_its_checkpoints_are_the_same():
    weights, optimizer = _trained(Adam)
    expected, reference = _trained(keras.optimizers.Adam)
    for mine, right in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-6)
    mine, right = checkpoints.numbered(optimizer), checkpoints.numbered(reference)
    assert list(mine) == list(right)
    for name, value in right.items():
        np.testing.assert_allclose(mine[name], value, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_the_rate_rises_and_falls_over_batches_however_many_make_an_update(accumulate):
    weight = keras.Variable(np.zeros(2, "float32"))
    options = OptimizerOptions(
        schedule="cosine", decay_steps=12, warmup_steps=4, accumulate=accumulate
    )
    optimizer = precision.adam(options, 0.1, "float32")
    optimizer.build([weight])
    rates = []
    for _ in range(13):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([np.ones(2, "float32")], [weight])
    expected = [0.025, 0.05, 0.075, 0.1, *(0.05 * (1 + np.cos(np.pi * np.arange(9) / 8)))]
    np.testing.assert_allclose(rates, expected, atol=1e-7)
