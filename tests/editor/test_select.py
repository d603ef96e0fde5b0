"""Clicks on objects whose outline is known."""

import numpy as np
import pytest

from kinpaint.editor import select


def scene(height=300, width=420):
    """A textured ellipse before another texture, and where it is."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:height, 0:width]
    inside = ((rows - height * 0.55) / (height * 0.3)) ** 2
    inside = inside + ((columns - width * 0.4) / (width * 0.22)) ** 2 < 1
    ground = np.array([70, 120, 90]) + random.normal(0, 14, (height, width, 1))
    ground = ground + 20 * np.sin(columns / 17)[..., None]
    thing = np.array([190, 130, 60]) + random.normal(0, 18, (height, width, 1))
    picture = np.where(inside[..., None], thing, ground)
    return np.clip(picture, 0, 255).astype(np.uint8), inside


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(
    "asked",
    [
        {"keep": [(0.4, 0.55)], "remove": []},
        {"keep": [(0.33, 0.6), (0.48, 0.45)], "remove": [(0.8, 0.2)]},
        {"keep": [], "remove": [], "box": (0.12, 0.18, 0.7, 0.95)},
    ],
)
def test_a_click_or_a_box_gives_the_object(asked):
    picture, inside = scene()
    found = select.enlarged(select.outline(picture, **asked), 420, 300, 0)
    assert overlap(found, inside) > 0.93
    again = select.enlarged(select.outline(picture, **asked), 420, 300, 0)
    np.testing.assert_array_equal(found, again)


def test_a_click_beside_takes_away_what_a_click_on_it_had_added():
    picture, inside = scene()
    picture[40:80, 300:400] = picture[150:190, 130:230]  # the object's texture, elsewhere
    picture[60:66, 180:320] = picture[160:166, 120:260]  # and a bridge to it
    on = [(0.4, 0.55), (0.83, 0.2)]
    both = select.enlarged(select.outline(picture, on, []), 420, 300, 0)
    one = select.enlarged(select.outline(picture, on[:1], on[1:]), 420, 300, 0)
    assert both[60, 350] and not one[60, 350]
    assert overlap(one, inside) > 0.9


def test_growing_adds_all_within_that_many_pixels():
    edge = np.full((50, 60), -0.5, np.float32)
    edge[20:30, 20:40] = 0.5
    plain, grown = (select.enlarged(edge, 60, 50, grow) for grow in (0, 5))
    near = np.zeros_like(plain)
    for row, column in np.argwhere(plain):
        rows, columns = np.ogrid[0:50, 0:60]
        near |= (rows - row) ** 2 + (columns - column) ** 2 <= 25
    assert (grown ^ near).sum() <= 8  # OpenCV's distances are within a few per cent
    assert (grown & plain).sum() == plain.sum()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (40, 3000)])
def test_any_size_and_any_click_has_an_answer(size):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    for point in ((0, 0), (1, 1), (0.5, 0.5)):
        found = select.outline(picture, [point], [])
        mask = select.enlarged(found, size[1], size[0], 2)
        assert mask.shape == size and mask.any()
    select.outline(picture, [], [], (0.0, 0.0, 1.0, 1.0))


def test_what_is_cut_is_small_whatever_the_photo():
    for width, height, depth in ((8688, 5792, 5), (1600, 1200, 2), (300, 200, 0)):
        level = select.reduced_level(width, height, depth)
        assert (width >> level) * (height >> level) <= 4 * select.PIXELS
