"""The same seed makes the same masks, wherever they are drawn."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from pipelines import masks

DRAWN = sorted(set(masks.FAMILIES) - {"files"})
MIXTURE = "2*thick + 1*rectangles(count=3) + 0.5*irregular"
SEED = [7, 11]


def pixels(kind, count, first=0, size=(40, 56), **settings):
    return masks.batch(kind, SEED, count, *size, first=first, **settings).numpy()


@pytest.mark.parametrize("kind", [*DRAWN, MIXTURE])
def test_eager_graph_and_parallel_map_agree_at_any_batch_size(kind):
    eager = pixels(kind, 12)
    graph = tf.function(lambda seed, n: masks.batch(kind, seed, 12, 40, 56, first=n))
    np.testing.assert_array_equal(eager, graph(tf.constant(SEED), tf.constant(0)).numpy())
    numbers = tf.data.Dataset.range(12).map(
        lambda n: masks.batch(kind, SEED, 1, 40, 56, first=n)[0], num_parallel_calls=4
    )
    np.testing.assert_array_equal(eager, np.stack(list(numbers.as_numpy_iterator())))
    np.testing.assert_array_equal(eager[5:8], pixels(kind, 3, first=5))


@pytest.mark.parametrize("kind", ["strokes", "outpaint", "irregular(hole=(0.2, 0.3))", "mixed"])
def test_xla_draws_the_same(kind):
    compiled = tf.function(lambda s: masks.batch(kind, s, 6, 24, 31), jit_compile=True)
    expected = pixels(kind, 6, size=(24, 31))
    np.testing.assert_array_equal(compiled(tf.constant(SEED)).numpy(), expected)


@pytest.mark.distributed
def test_two_replicas_draw_what_one_process_draws():
    """In a process of its own: logical devices must be set before TensorFlow starts."""
    code = """
import numpy as np, tensorflow as tf
from pipelines import masks
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
@tf.function
def draw():
    def one():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        return masks.batch("mixed", [7, 11], 3, 32, 32, first=3 * number)
    return strategy.experimental_local_results(strategy.run(one))
both = np.concatenate([part.numpy() for part in draw()])
np.testing.assert_array_equal(both, masks.batch("mixed", [7, 11], 6, 32, 32).numpy())
print("equal")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip().endswith("equal"), result.stderr[-2000:]


@pytest.mark.parametrize("kind", ["strokes", "thin", "irregular"])
def test_no_mask_comes_twice(kind):
    drawn = pixels(kind, 600, size=(32, 32))
    assert len({mask.tobytes() for mask in drawn}) == 600


def test_seeds_and_families_of_a_mixture_are_independent():
    twice = pixels("1*strokes + 1*strokes", 64, size=(32, 32))
    single = pixels("strokes", 64, size=(32, 32))
    assert (twice != single).any(axis=(1, 2, 3)).mean() > 0.3
    other = masks.batch("strokes", [7, 12], 64, 32, 32).numpy()
    assert (other != single).any(axis=(1, 2, 3)).all()


def test_golden_masks_do_not_change(golden):
    """What a seed means is a promise: fixed evaluation holes depend on it."""
    expected = np.load(golden / "masks.npz")
    for kind in DRAWN:
        drawn = masks.batch(kind, [1, 2], 3, 33, 47).numpy() > 0.5
        np.testing.assert_array_equal(np.packbits(drawn), expected[kind], err_msg=kind)
