"""Any size reaches the network in tiles, and only hole pixels are ever written."""

import cv2
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from kinpaint import loading
from kinpaint.completion import fill, regions

TILE = 64


def constant(value):
    """A network that paints one colour, and is strict about what it is given."""

    def predict(images, masks):
        assert images.dtype == masks.dtype == np.uint8
        assert images.shape[1:3] == masks.shape[1:3]
        assert max(images.shape[1:3]) <= TILE
        assert set(np.unique(masks)) <= {0, 255}
        return np.where(masks >= 128, np.uint8(value), images)

    return predict


def telea(images, masks):
    """A classical network: continues what surrounds the hole; black where nothing does."""
    known = np.where(masks[0] >= 128, np.uint8(0), images[0])
    if masks.all():
        return known[None]
    return np.where(masks >= 128, cv2.inpaint(known, masks[0], 3, cv2.INPAINT_TELEA), images)


def mean(images, masks):
    """A network that paints the mean of what it knows."""
    known = images[masks[..., 0] < 128]
    return np.where(masks >= 128, known.mean(0).round().astype(np.uint8), images)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    "size", [(1, 1), (7, 5), (1, 300), (300, 1), (63, 65), (64, 64), (255, 257), (400, 90)]
)
@pytest.mark.parametrize("hole", ["none", "all", "centre", "border", "specks"])
def test_known_pixels_are_untouched_and_every_hole_pixel_is_painted(size, hole):
    height, width = size
    image, mask = noise(height, width), np.zeros(size, bool)
    if hole == "all":
        mask[:] = True
    if hole == "centre":
        mask[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = True
    if hole == "border":
        mask[-(height // 3 + 1) :] = True
    if hole == "specks":
        mask = np.random.default_rng(1).random(size) < 0.02
    before = image.copy()
    filled = fill.fill(constant(77), image, mask, TILE)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(filled[~mask], image[~mask])
    assert (filled[mask] == 77).all()


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**31), st.floats(0.0, 1.0)
)
def test_any_mask_is_filled_whole(height, width, seed, share):
    rng = np.random.default_rng(seed)
    coarse = rng.random((-(-height // 16), -(-width // 16))) < share
    mask = np.kron(coarse, np.ones((16, 16), bool))[:height, :width]
    image = noise(height, width, seed % 97)
    filled = fill.fill(constant(201), image, mask, TILE)
    np.testing.assert_array_equal(filled, np.where(mask[..., None], 201, image))


@pytest.mark.parametrize("hole", [(30, 40), (180, 150)])
def test_what_lies_under_the_hole_is_never_seen(hole):
    mask = np.zeros((300, 280), bool)
    mask[50 : 50 + hole[0], 60 : 60 + hole[1]] = True
    image = noise(300, 280)
    other = np.where(mask[..., None], noise(300, 280, seed=9), image)
    filled = [fill.fill(telea, x, mask, TILE) for x in (image, other)]
    np.testing.assert_array_equal(*filled)


def test_a_hole_much_larger_than_a_tile_continues_a_gradient():
    rows, columns = np.mgrid[0:500, 0:600]
    image = np.dstack([rows * 0.4, columns * 0.4, 255 - rows * 0.4]).astype(np.uint8)
    mask = np.zeros((500, 600), bool)
    mask[100:400, 150:450] = True
    filled = fill.fill(telea, image, mask, TILE)
    whole = telea(image[None], np.where(mask, 255, 0).astype(np.uint8)[None, ..., None])[0]
    errors = [np.abs(x.astype(int) - image)[mask].mean() for x in (filled, whole)]
    assert errors[0] < errors[1]  # better than the same method let loose on the whole hole
    steps = np.abs(np.diff(filled.astype(int), axis=1)).max(-1)
    assert np.percentile(steps[mask[:, 1:]], 99) <= 8  # no seams between tiles


def test_a_hole_over_half_the_picture_is_filled_from_the_other_half():
    image = np.full((400, 400, 3), 90, np.uint8)
    mask = np.zeros((400, 400), bool)
    mask[:, 150:] = True
    filled = fill.fill(mean, np.where(mask[..., None], np.uint8(255), image), mask, TILE)
    assert np.abs(filled.astype(int) - 90).max() <= 1


def test_distant_holes_have_their_own_windows_and_near_ones_share_one():
    mask = np.zeros((1000, 1000), bool)
    mask[10:20, 10:20] = mask[10:20, 40:50] = mask[900:930, 900:930] = True
    found = list(regions.plan(mask, 256))
    assert len(found) == 2
    assert sum(window.pixels.sum() for window in found) == mask.sum()
    for window in found:
        assert window.box.longest <= 256
        assert 0 <= window.box.top < window.box.bottom <= 1000
        assert not mask[window.box.slices].all()


def test_each_hole_pixel_belongs_to_exactly_one_window():
    mask = np.random.default_rng(3).random((700, 500)) < 0.001
    mask[100:600, 100:120] = mask[580:600, 100:400] = True  # an L around specks
    owners = np.zeros(mask.shape, int)
    for window in regions.plan(mask, 128):
        owners[window.box.slices] += window.pixels
    np.testing.assert_array_equal(owners, mask)


def scratches(kind, joined):
    """40 scratches over 3 megapixels, 3 px wide, apart or joined by one line."""
    mask = np.zeros((1500, 2000), np.uint8)
    for k in range(40):
        start, end = {
            "upright": ((20 + 49 * k, 10), (20 + 49 * k, 1490)),
            "level": ((10, 20 + 36 * k), (1990, 20 + 36 * k)),
            "slanting": ((20 + 30 * k, 10), (600 + 30 * k, 1490)),
            "short": ((20 + 49 * k, 10 + 30 * (k % 7)), (20 + 49 * k, 330 + 30 * (k % 7))),
        }[kind]
        cv2.line(mask, start, end, 255, 3)
    if joined:
        cv2.line(
            mask, *{"level": ((30, 10), (30, 1490))}.get(kind, ((10, 200), (1990, 200))), 255, 3
        )
    return mask > 0


@pytest.mark.parametrize("kind", ["upright", "level", "slanting", "short"])
def test_many_holes_cost_what_their_pixels_need_not_what_their_number_says(kind):
    def seen(mask):
        levels = fill.plan(mask, 512, 256)
        assert len(levels) == 1  # nothing is deep, so no coarser picture is looked at
        boxes = [window.box for window in levels[0].windows]
        return sum((b.bottom - b.top) * (b.right - b.left) for b in boxes)

    apart, joined = (seen(scratches(kind, joined)) for joined in (False, True))
    assert apart <= 1.5 * joined


def test_coarser_pictures_are_looked_at_around_deep_places_only():
    mask = scratches("upright", joined=True)
    mask[600:800, 900:1100] = True  # deep, and one hole with all scratches
    fine, *coarser = fill.plan(mask, 512, 256)
    assert coarser and fine.deep.sum() < 200 * 200
    seen = [box for level in coarser for box in (w.box for w in level.windows)]
    assert sum((b.bottom - b.top) * (b.right - b.left) for b in seen) <= 2 * 512 * 512


def test_feathering_fades_outwards_from_the_hole():
    image = np.zeros((40, 40, 3), np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[15:25, 15:25] = True
    wide = fill.widened(hole, 4)
    filled = fill.fill(constant(200), image, wide, TILE)
    faded = fill.feathered(image, filled, hole, 4)
    assert (faded[hole] == 200).all()
    assert (faded[~wide] == 0).all()
    row = faded[20, 25:30, 0].astype(int)
    assert (np.diff(row) < 0).all() and row[0] < 200


def test_beyond_its_reach_the_network_meets_no_deep_hole():
    image, mask = noise(240, 200), np.zeros((240, 200), bool)
    mask[40:200, 30:150] = True  # 60 px deep
    mask[5:12, 5:180] = True  # a stroke
    seen = []

    def spy(images, holes):
        hole = holes[0, ..., 0] > 0
        seen.append((max(hole.shape), fill._depth(hole).max()))
        return np.where(holes > 0, np.uint8(77), images)

    filled = fill.fill(spy, image, mask, tile=512, reach=96)
    assert (filled[mask] == 77).all()
    np.testing.assert_array_equal(filled[~mask], image[~mask])
    assert [side for side, _ in seen] == [60, 120, 240]
    assert all(depth <= 96 // 8 + 1 for side, depth in seen if side > 96)


@pytest.mark.parametrize("reach", [96, None])
def test_shallow_holes_are_seen_in_one_whole_picture(reach):
    image, mask, seen = noise(240, 200), np.zeros((240, 200), bool), []
    mask[50:60, 20:180] = True

    def spy(images, holes):
        seen.append(images.shape)
        return np.where(holes > 0, np.uint8(77), images)

    fill.fill(spy, image, mask, tile=512, reach=reach)
    assert seen == [(1, 240, 200, 3)]


def test_a_model_reaches_as_far_as_its_training_pictures():
    sides = {64: 64, 128: 128, 1024: 512}
    for trained, reach in sides.items():
        assert loading.Completer(None, None, {"image_size": trained}).reach == reach
    assert loading.Completer(None, None, {}).reach == 512
