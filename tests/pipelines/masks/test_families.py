"""What every family promises, and what each is for."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipelines import masks
from pipelines.base.errors import UserError
from tests.benchmarks import published_masks

DRAWN = sorted(set(masks.FAMILIES) - {"files"})


def draw(kind, number=32, height=48, width=48, **settings):
    return masks.batch(kind, [3, 4], number, height, width, **settings).numpy()


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 3), (5, 64), (61, 17), (64, 64)])
def test_masks_are_binary_and_neither_empty_nor_full(kind, size):
    drawn = draw(kind, 32, *size)
    assert drawn.shape == (32, *size, 1) and drawn.dtype == np.float32
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert (drawn.max((1, 2, 3)) == 1).all() and (drawn.min((1, 2, 3)) == 0).all()


@pytest.mark.parametrize("kind", DRAWN)
def test_a_single_pixel_is_hole_or_known_without_an_error(kind):
    assert draw(kind, 2, 1, 1).shape == (2, 1, 1, 1)


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("hole", [(0.02, 0.03), (0.2, 0.4), (0.5, 0.5), (0.95, 0.97)])
def test_the_share_of_hole_is_honoured(kind, hole):
    for size in ((40, 40), (24, 57)):
        share = draw(kind, 24, *size, hole=hole).mean((1, 2, 3))
        assert share.min() >= hole[0] - 1e-6 and share.max() <= hole[1] + 1e-6


def test_a_share_that_is_whole_pixels_is_met_to_the_pixel():
    for percent in range(1, 100):
        drawn = draw("center", 1, 10, 10, hole=percent / 100)
        assert drawn.sum() == percent


def test_masks_inside_the_range_stay_as_they_are():
    natural, sized = draw("strokes", 64), draw("strokes", 64, hole=(0.1, 0.3))
    share = natural.mean((1, 2, 3))
    inside = (share >= 0.1) & (share <= 0.3)
    assert 10 < inside.sum() < 60
    np.testing.assert_array_equal(natural[inside], sized[inside])
    # the others spread over the range instead of piling up at its ends
    assert np.std(sized[~inside].mean((1, 2, 3))) > 0.03


def test_center_is_the_centred_square():
    expected = np.zeros([2, 64, 64, 1], np.float32)
    expected[:, 16:48, 16:48] = 1
    np.testing.assert_array_equal(draw("center", 2, 64, 64), expected)
    wide = draw("center", 1, 20, 40, size=0.6)[0, ..., 0]
    assert wide[4:16, 14:26].all() and wide.sum() == 12 * 12


def test_rectangles_obey_number_size_aspect_location_and_margin():
    one = draw("rectangles", 200, 60, 90, count=1, size=(0.3, 0.4), aspect=2.0, margin=0.1)
    for mask in one[..., 0]:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert mask.sum() == high * wide
        assert 17 <= np.sqrt(high * wide) <= 25 and 1.7 <= wide / high <= 2.4
        assert rows.min() >= 6 and columns.min() >= 6
        assert rows.max() < 54 and columns.max() < 84
    left = draw("rectangles", 50, count=1, location=0.0)
    assert left[:, 0, 0].all()
    assert draw("rectangles", 50, count=3, size=(0.1, 0.1)).mean() > 2 * (
        draw("rectangles", 50, count=1, size=(0.1, 0.1)).mean()
    )


@pytest.mark.parametrize(
    "side,edge", [("left", np.s_[:, 0]), ("top", np.s_[0]), ("right", np.s_[:, -1])]
)
def test_outpaint_takes_the_named_side(side, edge):
    for mask in draw("outpaint", 8, 40, 60, sides=side)[..., 0]:
        assert mask[edge].all()
        assert 0.03 <= mask.mean() <= 0.26


def test_outpaint_takes_every_number_of_sides():
    drawn = draw("outpaint", 300)[..., 0]
    edges = [drawn[:, :, 0], drawn[:, 0], drawn[:, :, -1], drawn[:, -1]]
    sides = sum(edge.all(1).astype(int) for edge in edges)
    assert set(np.unique(sides)) == {1, 2, 3, 4}


def test_irregular_shares_follow_the_level():
    share = draw("irregular", 200, 64, 64, level=(-0.01, 0.01)).mean()
    assert abs(share - 0.5) < 0.03
    low = draw("irregular", 200, 64, 64, level=(-1.29, -1.27)).mean()
    assert abs(low - 0.1) < 0.03


def test_strokes_do_not_drift_and_fit_other_shapes():
    """The authors' code covers 0.107 of the left half and 0.190 of the right."""
    for height, width in ((96, 96), (64, 128)):
        cover = draw("strokes", 3000, height, width).mean(0)[..., 0]
        halves = [
            cover[: height // 2].mean() / cover[height // 2 :].mean(),
            cover[:, : width // 2].mean() / cover[:, width // 2 :].mean(),
        ]
        assert np.abs(np.log(halves)).max() < 0.08
    thirds = draw("strokes", 3000, 64, 128).mean((0, 1))[:, 0].reshape(4, 32).mean(1)
    assert thirds.min() > 0.5 * thirds.max()


@functools.cache
def published_shares(kind, count=1500):
    random = np.random.default_rng(0)
    if kind == "strokes":
        return np.array([published_masks.brush(random).mean() for _ in range(count)])
    make, preset = published_masks.strokes_or_boxes, published_masks.LAMA[kind]
    return np.array([make(random, **preset).mean() for _ in range(count)])


def shares(kind, size, count=1500, **settings):
    def one_batch(first):
        drawn = masks.batch(kind, [9, 9], 50, size, size, first=first, **settings)
        return tf.reduce_mean(drawn, [1, 2, 3])

    one_batch = tf.function(one_batch)
    return np.concatenate([one_batch(tf.constant(n)) for n in range(0, count, 50)])


def distance(a, b):
    """The largest gap between two cumulative distributions (Kolmogorov-Smirnov)."""
    at = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(x), at, "right") / len(x) for x in (a, b)]
    return np.abs(below[0] - below[1]).max()


@pytest.mark.parametrize("kind", ["strokes", "thin", "medium", "thick", "mixed"])
def test_shares_agree_with_the_published_drawings(kind):
    """0.06 is the chance gap of two samples of 1500 at the 1 % level."""
    own, published = shares(kind, 256), published_shares(kind)
    assert distance(own, published) < 0.06
    assert abs(own.mean() - published.mean()) < 0.015


@pytest.mark.parametrize(
    "kind,mean,low,middle,high",
    [
        ("strokes", 0.149, 0.035, 0.142, 0.285),
        ("thin", 0.296, 0.08, 0.304, 0.49),
        ("medium", 0.230, 0.02, 0.251, 0.43),
        ("thick", 0.386, 0.07, 0.344, 0.76),
        ("mixed", 0.355, 0.07, 0.322, 0.73),
    ],
)
def test_shares_agree_with_figures_of_the_authors_code(kind, mean, low, middle, high):
    """Mean and 5, 50, 95 % of 1500 (brush) and 400 draws of the authors' own code."""
    own = shares(kind, 256)
    assert abs(own.mean() - mean) < 0.03
    gaps = np.quantile(own, [0.05, 0.5, 0.95]) - [low, middle, high]
    assert np.abs(gaps).max() < 0.05


@pytest.mark.parametrize("kind", ["strokes", "thick"])
def test_lengths_scale_with_the_shorter_side_unless_told_not_to(kind):
    large, small = shares(kind, 256, 1000), shares(kind, 64, 1000)
    assert abs(large.mean() - small.mean()) < 0.03
    absolute = shares(kind, 64, 1000, reference=0)
    assert absolute.mean() > 1.3 * small.mean()


@pytest.fixture
def mask_dir(tmp_path):
    for number, size in enumerate([(10, 20), (40, 40), (33, 17)]):
        picture = np.zeros(size, np.uint8)
        picture[: size[0] // 2, : size[1] // 2] = 128 + number
        picture[size[0] // 2 :] = 127
        (tmp_path / "more").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / ["", "more"][number % 2] / f"{number}.png")
    return tmp_path


def test_files_are_thresholded_resized_and_mirrored(mask_dir):
    drawn = draw("files", 60, 12, 16, dir=str(mask_dir))[..., 0]
    quarters = np.stack(
        [drawn[:, :6, :8], drawn[:, :6, 8:], drawn[:, 6:, :8], drawn[:, 6:, 8:]]
    ).mean((2, 3))
    assert (np.sort(quarters, axis=0)[:3] < 0.2).all() and (quarters.max(0) > 0.9).all()
    assert set(quarters.argmax(0)) == {0, 1, 2, 3}


def test_files_name_the_bad_and_leave_them_out(mask_dir, capfd):
    (mask_dir / "bad.png").write_bytes(b"<html>not found</html>")
    Image.new("L", (8, 8)).save(mask_dir / "empty.png")
    assert draw("files", 8, 9, 9, dir=str(mask_dir)).max() == 1
    errors = capfd.readouterr().err
    assert "bad.png" in errors and "3 of 5 masks are used" in errors


def tmp_tenth(mask_dir):
    """A folder with one mask, a tenth of it hole."""
    (mask_dir.parent / "tenth").mkdir()
    picture = Image.fromarray(np.uint8(np.arange(100) < 10).reshape(10, 10) * 255)
    picture.save(mask_dir.parent / "tenth" / "a.png")
    return str(mask_dir.parent / "tenth")


def test_files_keep_to_a_range_or_say_what_there_is(mask_dir):
    Image.fromarray(np.uint8(np.arange(100) < 90).reshape(10, 10) * 255).save(
        mask_dir / "large.png"
    )
    share = draw("files", 40, 20, 20, dir=str(mask_dir), hole=(0.8, 1.0)).mean((1, 2, 3))
    np.testing.assert_allclose(share, 0.9)
    tenth = tmp_tenth(mask_dir)
    assert draw("files", 1, 20, 20, dir=tenth, hole=(0.05, 0.1)).mean() == np.float32(0.1)
    with pytest.raises(UserError, match="none of 4 masks .* they have 0.2"):
        draw("files", 1, 20, 20, dir=str(mask_dir), hole=(0.4, 0.5))


def test_a_mixture_keeps_its_weights_and_one_family_a_sample():
    drawn = draw("3*center + 1*outpaint(sides=left)", 400, 32, 32)
    center, left = drawn[:, 16, 16, 0] == 1, drawn[:, 16, 0, 0] == 1
    assert (center ^ left).all()
    assert abs(center.mean() - 0.75) < 0.07


@pytest.mark.parametrize(
    "kind,settings,words",
    [
        ("thik", {}, "no mask family 'thik': choose from .*thick"),
        ("thick(cuont=3)", {}, "thick has no setting 'cuont': it has .*count"),
        ("thick", {"vertices": 3}, "thick has no setting 'vertices'"),
        ("rectangles(count=(3, 1))", {}, "count"),
        ("rectangles(count=1.5)", {}, "whole numbers"),
        ("strokes(hole=(0.5, 1.5))", {}, "hole"),
        ("center(hole=0)", {}, "hole"),
        ("0*center", {}, "weight"),
        ("strokes(count=40)", {}, "at most 255"),
        ("outpaint(sides=west)", {}, "sides"),
        ("center(size=big)", {}, "size='big'"),
        ("center(size=(0.2, 0.4))", {}, "size=.* must be like 0.5"),
        ("center(size=true)", {}, "size=True must be like 0.5"),
        ("thick(box_share=None)", {}, "box_share"),
        ("strokes(count=true)", {}, "whole numbers"),
        ("strokes(thickness=-3)", {}, "thickness"),
        ("rectangles(aspect=0)", {}, "aspect"),
        ("files", {}, "no directory"),
        ("thick +", {}, "cannot read the masks"),
    ],
)
def test_mistakes_are_one_line(kind, settings, words):
    with pytest.raises(UserError, match=words):
        draw(kind, 1, 16, 16, **settings)
