"""Attention, gates and partial masks against what they must be."""

import numpy as np
import pytest

from kinpaint import models
from kinpaint.interpretation import attention, gates, probe, scale
from tests.interpretation.fakes import Attending, Closing


@pytest.fixture(scope="module")
def gated():
    return models.build("gated", width=4)


@pytest.fixture(scope="module")
def partial():
    return models.build("partial", width=4, depth=3)


@pytest.fixture(scope="module")
def shifted():
    """A texture that repeats after 48 pixels, its hole, and what an attention said.

    Grains of 2 x 2 pixels: the attention looks at one pixel of each.
    """
    tile = np.random.default_rng(0).integers(0, 256, (16, 24, 3)).astype("uint8")
    picture = np.tile(tile, (1, 2, 1)).repeat(2, axis=0).repeat(2, axis=1)
    hole = np.zeros(picture.shape[:2], bool)
    hole[12:20, 60:72] = True
    network = Attending(picture)
    return picture, hole, network, probe.hear(network, picture, hole)


def test_flow_finds_a_texture_shifted_by_a_known_way(shifted):
    picture, hole, network, heard = shifted
    shares = scale.hole_shares(network, hole, heard.flows["attention"].shape[:2])
    assert shares.shape == (16, 48)
    np.testing.assert_array_equal(
        heard.flows["attention"][shares > 0], [[0, -24]] * int((shares > 0).sum())
    )
    steps = [scale.stride(network, hole.shape[i], shares.shape[i]) for i in (0, 1)]
    assert steps == [2, 2]
    moves = scale.enlarged(network, heard.flows["attention"] * steps, hole.shape)
    copy, had = attention.copied(
        np.where(hole[..., None], np.uint8(0), picture), hole, hole, moves
    )
    np.testing.assert_array_equal(had, hole)
    np.testing.assert_array_equal(copy, picture)


def test_sources_outside_or_in_the_hole_are_not_copied():
    picture = np.arange(4 * 6 * 3, dtype="uint8").reshape(4, 6, 3)
    hole = np.zeros((4, 6), bool)
    hole[1, 1:4] = True
    moves = np.zeros((4, 6, 2), int)
    moves[1, 1], moves[1, 2], moves[1, 3] = (0, -2), (0, 1), (2, 2)
    copy, had = attention.copied(picture, hole, hole, moves)
    assert had[1].tolist() == [False, False, False, True, False, False]
    np.testing.assert_array_equal(copy[1, 3], picture[3, 5])
    np.testing.assert_array_equal(copy[~had], picture[~had])


def test_masses_of_weights_set_by_hand():
    shares = np.array([[1.0, 0.5, 0.0]])  # three places in a row
    weights = np.zeros((1, 3, 3))
    weights[0, 0] = [0.0, 0.4, 0.4]  # loses 0.2, spreads over two
    weights[0, 1] = [0.0, 0.0, 1.0]
    weights[0, 2] = [1.0, 0.0, 0.0]  # no hole: counts for nothing
    found = attention.masses(weights, shares)
    assert found["hole"] == pytest.approx(2 / 3 * 0.4 * 0.5)
    assert found["known"] == pytest.approx(2 / 3 * (0.2 + 0.4) + 1 / 3)
    assert found["lost"] == pytest.approx(2 / 3 * 0.2)
    assert found["sources"] == pytest.approx(2 / 3 * 2 + 1 / 3)
    assert found["matched"] == 1
    weights[0, 0] = 0  # no usable key
    found = attention.masses(weights, shares)
    assert found["matched"] == pytest.approx(1 / 3) and found["sources"] == pytest.approx(1)
    assert attention.masses(0 * weights, shares)["sources"] is None


def test_mass_is_whole_where_masked_keys_leave_the_softmax(shifted):
    _, hole, network, heard = shifted
    shares = scale.hole_shares(network, hole, (16, 48))
    found = attention.masses(heard.weights["attention"], shares)
    assert found["lost"] == pytest.approx(0, abs=1e-5)
    assert found["known"] == pytest.approx(1, abs=1e-5)


def test_examples_lie_in_the_hole_and_apart():
    shares = np.zeros((10, 10))
    shares[2:8, 3] = 1
    places = attention.examples(shares, 3)
    assert len(set(places)) == 3 and all(shares[place] == 1 for place in places)
    assert {places[1], places[2]} == {(2, 3), (7, 3)}
    assert attention.examples(np.full((1, 1), 0.2), 3) == [(0, 0)]
    assert attention.examples(np.zeros((2, 2)), 3) == []


def test_gates_are_the_sigmoid_of_the_kernels_second_half(gated):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (32, 32, 3)).astype("uint8")
    hole = np.zeros((32, 32), bool)
    hole[8:20, 4:16] = True
    heard = probe.hear(gated, image, hole).gates["conv1"]
    layer = next(one for one in gated._flatten_layers() if one.name == "conv1")
    kernel, bias = (np.asarray(weight, np.float64) for weight in layer.get_weights())
    picture = np.where(hole[..., None], 0.0, image / 127.5 - 1.0)
    planes = np.concatenate([picture, np.ones((32, 32, 1)), hole[..., None]], axis=-1)
    padded = np.pad(planes, ((2, 2), (2, 2), (0, 0)))
    count = kernel.shape[-1] // 2
    for row, column in ((0, 0), (10, 9), (31, 17)):
        window = padded[row : row + 5, column : column + 5]
        raw = np.einsum("ijc,ijcf->f", window, kernel[..., count:]) + bias[count:]
        np.testing.assert_allclose(heard[row, column], 1 / (1 + np.exp(-raw)), atol=1e-5)
    compared = gates.compare(heard, hole.astype(float))
    np.testing.assert_allclose(compared["hole"], heard[hole].mean(), rtol=1e-5)
    np.testing.assert_allclose(compared["known"], heard[~hole].mean(), rtol=1e-5)
    np.testing.assert_allclose(
        compared["selectivity"], heard[hole].mean(0) - heard[~hole].mean(0), atol=1e-6
    )
    assert gates.compare(heard, np.ones((32, 32)))["selectivity"] is None


def test_each_partial_convolution_takes_a_pixel_off_every_side():
    hole = np.zeros((24, 32), bool)
    hole[6:17, 10:23] = True  # 11 x 13
    knowns = probe.hear(Closing(6), np.zeros((24, 32, 3), "uint8"), hole).knowns
    assert list(knowns) == [f"partial{i}" for i in range(6)]
    for i, known in enumerate(knowns.values(), 1):
        expected = np.zeros_like(hole)
        expected[6 + i : 17 - i, 10 + i : 23 - i] = True
        np.testing.assert_array_equal(known[..., 0] == 0, expected)


def test_listening_leaves_partial_convolutions_as_they_were(partial):
    batch = {"image": np.zeros((1, 16, 16, 3)), "mask": np.ones((1, 16, 16, 1))}
    before = np.asarray(partial(batch)["output"])
    with probe.listening(partial) as heard:
        np.testing.assert_array_equal(partial(batch)["output"], before)
    assert len(heard.knowns) == 6 and not heard.knowns["down2"].numpy().any()
    assert all("call" not in vars(layer) for layer in partial._flatten_layers())


@pytest.mark.parametrize("size", [1, 9, 50, 57, 64])
def test_strides_of_padded_and_of_halved_maps(gated, partial, size):
    padded = -(-size // 8) * 8
    for step in (1, 2, 4, 8):
        assert scale.stride(gated, size, padded // step) == step
    places = size
    for step in (2, 4, 8):
        places = -(-places // 2)
        if places > 1:
            assert scale.stride(partial, size, places) == step
        covered = scale.enlarged(partial, np.ones((places, places)), (size, size))
        assert covered.shape == (size, size)


def test_reducing_lets_nothing_under_the_hole_show():
    hole = np.zeros((90, 120), bool)
    hole[31:52, 40:71] = True
    image = np.full((90, 120, 3), 100, "uint8")
    image[hole] = 255
    small, holes = scale.reduced(image, hole, 50)
    assert small.shape == (38, 50, 3) and holes.shape == (38, 50)
    assert (small[~holes] == 100).all()
    assert holes.mean() == pytest.approx(hole.mean(), rel=0.25) and holes.mean() > hole.mean()
    same, _ = scale.reduced(image, hole, 120)
    assert same is image
