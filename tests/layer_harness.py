"""One set of checks for every layer and every network.

A test class derives from `Harness` and says how to `make` the thing and with which
`inputs` to call it; networks derive from `NetworkHarness`, which adds what all of them
promise about holes and sizes.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import tree

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
# Largest difference of a 16 bit result from the float32 one, over the latter's largest value.
TOLERANCE = {"float32": 1e-6, "mixed_bfloat16": 0.05, "mixed_float16": 0.01}


def pictures(batch=2, height=16, width=16, seed=0):
    """A batch with distinct images and distinct holes, as NumPy arrays."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (batch, height, width, 3)).astype("float32")
    mask = np.zeros((batch, height, width, 1), "float32")
    for i in range(batch):
        mask[i, i : max(height // 2, 1) + i, 2 * i : 2 * i + max(width // 3, 1)] = 1.0
    return {"image": image, "mask": mask}


def arrays(structure):
    """The tensors of a structure as a flat list of float32 NumPy arrays."""
    return [
        keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
        for x in tree.flatten(structure)
    ]


def assert_same(actual, expected, tolerance):
    """Compares two structures by the largest difference over the largest value."""
    for a, b in zip(arrays(actual), arrays(expected), strict=True):
        assert a.shape == b.shape
        assert np.isfinite(a).all()
        assert np.abs(a - b).max() <= tolerance * max(np.abs(b).max(), 1e-3)


class Harness:
    """Checks of one layer; a subclass gives `make` and `inputs`."""

    spread = 1.0  # of the weights, times the root of a kernel's inputs; gates halve a signal

    def make(self, dtype=None):
        """The layer with the given dtype policy."""
        raise NotImplementedError

    def inputs(self):
        """Tuple of the call's arguments, arrays or dicts of arrays, batch of 2."""
        raise NotImplementedError

    def fresh(self, dtype=None):
        """The layer with weights that are not what they start as: no zero hides a slip."""
        layer = self.make(dtype)
        layer(*self.inputs())
        rng = np.random.default_rng(1)
        for w in layer.trainable_weights:
            spread = self.spread / np.sqrt(max(np.prod(w.shape[:-1]), 16.0))
            w.assign(rng.normal(0.0, spread, w.shape))
        for w in layer.non_trainable_weights:
            if w.name == "u":  # a power iteration starts at random
                w.assign(rng.normal(size=w.shape))
        return layer

    def built(self):
        """A `fresh` float32 layer that all tests of the class share and none changes."""
        if "_built" not in type(self).__dict__:
            type(self)._built = self.fresh()
        return self._built

    def test_symbolic_call_predicts_the_shapes(self):
        specs = tree.map_structure(
            lambda x: keras.KerasTensor((None, *x.shape[1:])), self.inputs()
        )
        predicted = self.make()(*specs)
        eager = self.built()(*self.inputs())
        tree.assert_same_structure(predicted, eager)
        for a, b in zip(tree.flatten(predicted), tree.flatten(eager), strict=True):
            assert tuple(a.shape[1:]) == tuple(b.shape[1:])
            assert keras.backend.standardize_dtype(a.dtype) == b.dtype.name

    def test_config_round_trip(self):
        layer = self.built()
        twin = type(layer).from_config(layer.get_config())
        twin(*self.inputs())
        assert twin.get_config() == layer.get_config()
        for mine, theirs in zip(twin.weights, layer.weights, strict=True):
            mine.assign(theirs)
        assert_same(twin(*self.inputs()), layer(*self.inputs()), 0.0)

    def test_saved_file_round_trip(self, tmp_path):
        layer = model = self.built()
        if not isinstance(layer, keras.Model):
            symbols = tree.map_structure(lambda x: keras.Input(x.shape[1:]), self.inputs())
            model = keras.Model(symbols, layer(*symbols))
        model.save(tmp_path / "it.keras")
        read = keras.models.load_model(tmp_path / "it.keras")
        inputs = self.inputs()
        expected = layer(*inputs)
        assert_same(read(*inputs) if model is layer else read(list(inputs)), expected, 1e-6)

    @pytest.mark.parametrize("policy", POLICIES[1:])
    def test_sixteen_bit_stays_close(self, policy):
        exact, rough = self.built(), self.fresh(policy)
        assert all(w.dtype == "float32" for w in rough.trainable_weights)
        assert_same(rough(*self.inputs()), exact(*self.inputs()), TOLERANCE[policy])

    @pytest.mark.parametrize("policy", POLICIES)
    def test_one_compiled_train_step(self, policy):
        layer = self.fresh(policy)
        optimizer = keras.optimizers.Adam(1e-3)
        optimizer.build(layer.trainable_variables)
        before = [w.numpy() for w in layer.trainable_weights]

        @tf.function
        def step(*inputs):
            with tf.GradientTape() as tape:
                outputs = [tf.cast(x, "float32") for x in tree.flatten(layer(*inputs))]
                loss = tf.add_n([tf.reduce_mean(tf.square(x - 0.5)) for x in outputs])
            gradients = tape.gradient(loss, [w.value for w in layer.trainable_variables])
            optimizer.apply(gradients, layer.trainable_variables)
            return gradients

        gradients = step(*tree.map_structure(tf.constant, self.inputs()))
        assert len(gradients) == len(before)
        for gradient, old, weight in zip(
            gradients, before, layer.trainable_weights, strict=True
        ):
            assert np.isfinite(gradient).all(), weight.path
            assert weight.dtype == "float32"
            if policy == "float32":  # a tiny gradient may vanish in 16 bit
                assert np.abs(weight.numpy() - old).max() > 1e-4, weight.path

    def test_xla_gives_the_same(self):
        layer = self.built()
        inputs = tree.map_structure(tf.constant, self.inputs())
        compiled = tf.function(layer.__call__, jit_compile=True)
        assert_same(compiled(*inputs), layer(*inputs), 2e-5)

    def test_samples_do_not_mix(self):
        layer, inputs = self.built(), self.inputs()
        together = arrays(layer(*inputs))
        for i in range(2):
            single = layer(*tree.map_structure(lambda x, i=i: x[i : i + 1], inputs))
            assert_same([x[i : i + 1] for x in together], arrays(single), 1e-5)


class NetworkHarness(Harness):
    """What every generator promises besides."""

    def inputs(self):
        """A dict of images and masks."""
        return (pictures(),)

    @pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
    def test_one_compiled_train_step(self, policy):
        super().test_one_compiled_train_step(policy)

    def test_nothing_leaks_from_under_the_hole(self):
        network, (batch,) = self.built(), self.inputs()
        for hidden in (0.3, -1.0, np.nan, np.inf):
            other = np.where(batch["mask"] > 0.5, np.float32(hidden), batch["image"])
            both = network(batch), network({**batch, "image": other})
            for a, b in zip(arrays(both[0]), arrays(both[1]), strict=True):
                np.testing.assert_array_equal(a, b)

    def test_known_pixels_matter(self):
        network, (batch,) = self.built(), self.inputs()
        other = {**batch, "image": -batch["image"]}
        a, b = (arrays(network(x)["output"])[0] for x in (batch, other))
        assert np.abs(a - b)[batch["mask"][..., 0] > 0.5].max() > 1e-4

    @pytest.mark.parametrize("height, width", [(1, 1), (3, 1), (37, 22)])
    def test_any_size(self, height, width):
        network = self.built()
        output = network(pictures(1, height, width))["output"]
        assert output.shape == (1, height, width, 3)
        assert output.dtype == "float32"
        assert np.abs(output).max() <= 1.0

    def test_dynamic_shapes_give_the_same(self):
        network = self.built()
        signature = {
            "image": tf.TensorSpec((None, None, None, 3)),
            "mask": tf.TensorSpec((None, None, None, 1)),
        }
        traced = tf.function(network.__call__, input_signature=[signature])
        for size in ((16, 16), (21, 34)):
            batch = tree.map_structure(tf.constant, pictures(2, *size))
            assert_same(traced(batch), network(batch), 2e-5)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_no_hole_and_nothing_but_hole(self, value):
        batch = pictures()
        output = self.built()({**batch, "mask": np.full_like(batch["mask"], value)})["output"]
        assert np.isfinite(output).all()
