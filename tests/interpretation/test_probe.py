"""Listening to a network changes nothing, and hears what the layers computed."""

import numpy as np

from kinpaint import models
from kinpaint.interpretation import flow, probe
from tests.training import tiny


def test_gates_and_flow_are_heard_and_the_network_is_left_as_it_was():
    network = models.build("gated", width=8)
    batch = tiny.batch(count=2, side=32)
    before = np.asarray(network(batch)["output"])
    with probe.listening(network) as heard:
        during = np.asarray(network(batch)["output"])
    np.testing.assert_allclose(during, before, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(network(batch)["output"]), before)
    assert all(0 <= np.min(g) and np.max(g) <= 1 for g in heard.gates.values())
    assert np.asarray(heard.gates["conv1"]).shape == (2, 32, 32, 4)
    assert len(heard.gates) == 40  # 42 convolutions, of which two are plain
    assert {k: np.asarray(v).shape for k, v in heard.flows.items()} == {
        "attention": (2, 4, 4, 2)
    }


def test_flow_points_to_the_place_of_greatest_weight():
    network = models.build("gated", width=8)
    with probe.listening(network) as heard:
        network(tiny.batch(count=1, side=48))
    weights, moves = (np.asarray(x["attention"])[0] for x in (heard.weights, heard.flows))
    for row in range(6):
        for column in range(6):
            best = np.unravel_index(weights[row, column].argmax(), (6, 6))
            np.testing.assert_array_equal(moves[row, column], np.subtract(best, (row, column)))


def test_flow_colours_name_direction_and_distance():
    moves = np.zeros((3, 3, 2), int)
    moves[0, 0] = (0, 2)  # to the right
    moves[2, 0] = (-2, 2)  # the longest possible way
    colours = flow.colours(moves)
    np.testing.assert_array_equal(colours[1, 1], [255, 255, 255])
    assert colours[0, 0, 0] == 255 and colours[0, 0, 1] == colours[0, 0, 2] < 255
    assert colours[2, 0].min() == 0
