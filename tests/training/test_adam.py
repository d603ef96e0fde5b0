"""The optimizer against Keras' own."""

import keras
import numpy as np

from kinpaint.training import checkpoints
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
