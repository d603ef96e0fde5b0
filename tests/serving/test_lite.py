"""TFLite files against the SavedModel's function, for each model that is offered as TFLite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kinpaint import models
from kinpaint.serving import lite
from kinpaint.serving.signatures import Signatures
from pipelines.base.errors import UserError
from tests.exported import noise_with_hole

SMALL = {"mlp": {"width": 32}, "cnn": {"width": 8, "depth": 2}, "gated": {"width": 4}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", lite.KINDS)
@pytest.mark.parametrize("name", lite.MODELS)
def test_tflite_answers_as_the_saved_model(name, kind):
    network = models.build(name, **SMALL[name])
    for weight in network.trainable_variables:  # whatever the initialisers are
        weight.assign(keras.random.normal(weight.shape, stddev=0.1, seed=len(weight.path)))
    image, mask = noise_with_hole(1, 64, 64)
    signatures = Signatures(network)
    expected = signatures.complete(tf.constant(image), tf.constant(mask))["completed"].numpy()
    found = lite.run(lite.convert(network, kind, 64), image, mask)
    hole = mask[..., 0] >= 128
    np.testing.assert_array_equal(found[~hole], image[~hole])
    difference = np.abs(found[hole].astype(int) - expected[hole])
    assert expected[hole].std() > 3  # the network says something that could be wrong
    assert difference.max() <= {"float16": 1, "int8": 12}[kind]


def test_other_models_and_kinds_are_refused():
    with pytest.raises(UserError, match="not for contextual"):
        lite.check_model("contextual")
    with pytest.raises(UserError, match="--tflite=int4"):
        lite.check_kinds(["int4"])
