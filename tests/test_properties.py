"""What must hold for any size, mask and dtype, tried on hundreds of each."""

import io

import keras
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kinpaint import images
from kinpaint.completion import files
from kinpaint.metrics import quality
from pipelines import headers, mask_rules, masks

sides = st.integers(1, 40)
seeds = st.integers(0, 2**31 - 1)
few = settings(max_examples=40, deadline=None)
many = settings(max_examples=200, deadline=None)

FAMILIES = (
    "center",
    "rectangles",
    "outpaint",
    "strokes",
    "thin",
    "medium",
    "thick",
    "irregular",
)
names = st.sampled_from(FAMILIES)
shares = st.tuples(st.floats(0.05, 0.4), st.floats(0.41, 0.8)).map(
    lambda pair: tuple(round(share, 3) for share in pair)
)


def picture(height, width, seed, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


# Images


@few
@given(sides, sides, seeds, st.sampled_from(["float32", "float64", "bfloat16", "float16"]))
def test_levels_survive_every_float_that_can_hold_them(height, width, seed, dtype):
    levels = picture(height, width, seed)[None]
    there = keras.ops.cast(images.from_uint8(levels), dtype)
    back = np.asarray(images.to_uint8(there)).astype(int)
    most = {"bfloat16": 1, "float16": 0}.get(dtype, 0)  # bfloat16 has 8 bits of precision
    assert np.abs(back - levels).max() <= most


@many
@given(st.floats(allow_nan=False, width=32))
def test_any_finite_or_infinite_value_becomes_a_level(value):
    level = int(images.to_uint8(np.full((1, 1, 1, 3), value, "float32"))[0, 0, 0, 0])
    expected = np.rint(np.clip((np.float64(value) + 1) * 127.5, 0, 255))
    assert abs(level - expected) <= 1e-3 + (abs((value + 1) * 127.5 % 1 - 0.5) < 1e-4)


@few
@given(sides, sides, st.integers(1, 64), seeds)
def test_padding_is_undone_and_knows_only_what_is_known(height, width, multiple, seed):
    rng = np.random.default_rng(seed)
    image = rng.uniform(-1, 1, (1, height, width, 3)).astype("float32")
    mask = (rng.uniform(size=(1, height, width, 1)) < 0.4).astype("float32")
    code = np.where(mask > 0, 2.0, image)  # holes are marked in the picture itself
    padded, padded_mask = images.pad_to_multiple(code, mask, multiple)
    assert padded.shape[1] % multiple == 0 and padded.shape[2] % multiple == 0
    np.testing.assert_array_equal(images.unpad(padded, height, width), code)
    np.testing.assert_array_equal(
        np.asarray(padded_mask) > 0, (np.asarray(padded) == 2.0)[..., :1]
    )


@few
@given(sides, sides, seeds, st.floats(0, 1))
def test_composites_are_the_picture_outside_and_the_output_inside(height, width, seed, share):
    rng = np.random.default_rng(seed)
    image = picture(height, width, seed)[None]
    output = rng.normal(0, 2, image.shape).astype("float32")
    output[0, 0, 0] = np.inf
    mask = (rng.uniform(size=(1, height, width, 1)) < share).astype("float32")
    filled = np.asarray(images.composite_uint8(image, output, mask))
    hole = np.broadcast_to(mask > 0, image.shape)
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    np.testing.assert_array_equal(filled[hole], np.asarray(images.to_uint8(output))[hole])
    again = np.asarray(images.composite_uint8(filled, output, mask))
    np.testing.assert_array_equal(again, filled)


FORMS = {
    "bool": lambda hole: hole,
    "0/1": lambda hole: hole.astype(np.uint8),
    "int": lambda hole: hole.astype(np.int64),
    "0/255": lambda hole: hole * np.uint8(255),
    "float": lambda hole: hole.astype(np.float32),
    "levels": lambda hole: np.where(hole, 128, 127).astype(np.uint8),
}


@few
@given(sides, sides, seeds, st.sampled_from(sorted(FORMS)))
def test_every_form_of_mask_is_the_same_hole(height, width, seed, form):
    hole = np.random.default_rng(seed).uniform(size=(height, width)) < 0.5
    hole[0, 0] = True  # "levels" without a hole would be a mask of 127s, which is refused
    np.testing.assert_array_equal(mask_rules.hole_of(FORMS[form](hole)), hole)


@few
@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP"]),
)
def test_a_header_declares_the_size_that_is_decoded(height, width, kind):
    file = io.BytesIO()
    Image.fromarray(picture(height, width, 0)).save(file, kind)
    found = headers.size(tf.constant(file.getvalue())).numpy()
    assert found.tolist() == [height, width]


@few
@given(sides, sides, seeds, st.sampled_from(["PNG", "WEBP"]), st.sampled_from([0, 3, 4]))
def test_known_samples_survive_reading_and_writing(
    tmp_path_factory, height, width, seed, kind, channels
):
    folder = tmp_path_factory.mktemp("files")
    array = (
        picture(height, width, seed, channels)
        if channels
        else picture(height, width, seed)[..., 0]
    )
    path = folder / f"a.{kind.lower()}"
    Image.fromarray(array).save(path, lossless=True)
    photo = files.read(path)
    hole = np.random.default_rng(seed).uniform(size=(height, width)) < 0.3
    changed = photo.with_hole(255 - photo.rgb, hole)
    files.write(changed, folder / f"b.{kind.lower()}", kind)
    again = files.read(folder / f"b.{kind.lower()}")
    np.testing.assert_array_equal(again.rgb[~hole], photo.rgb[~hole])
    assert photo.alpha is None or np.array_equal(again.alpha, photo.alpha)


# Masks


@settings(max_examples=8, deadline=None)
@given(st.lists(names, min_size=1, max_size=3), st.integers(1, 48), st.integers(1, 48), seeds)
def test_any_mixture_at_any_size_is_binary_and_repeats(families, height, width, seed):
    kind = " + ".join(families)
    drawn = masks.batch(kind, [seed, 1], 3, height, width).numpy()
    assert drawn.shape == (3, height, width, 1) and drawn.dtype == np.float32
    assert set(np.unique(drawn)) <= {0.0, 1.0}
    np.testing.assert_array_equal(drawn, masks.batch(kind, [seed, 1], 3, height, width).numpy())
    single = masks.batch(kind, [seed, 1], 1, height, width, first=2).numpy()
    np.testing.assert_array_equal(single[0], drawn[2])


@settings(max_examples=6, deadline=None)
@given(names, shares, st.integers(16, 48), seeds)
def test_a_wanted_share_of_hole_is_kept(family, share, side, seed):
    drawn = masks.batch(f"{family}(hole={share})", [seed, 0], 2, side, side).numpy()
    for fraction in drawn.mean(axis=(1, 2, 3)):
        assert share[0] - 1 / side**2 <= fraction <= share[1] + 1 / side**2


# Metrics


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([(11, 11), (16, 29), (40, 23)]), seeds)
def test_metrics_are_symmetric_bounded_and_best_for_equal_pictures(size, seed):
    a, b = (picture(*size, seed + k)[None].astype("float32") / 255 for k in range(2))
    for metric in (quality.psnr, quality.ssim, quality.l1):
        there, back, same = (metric(*pair).numpy()[0] for pair in ((a, b), (b, a), (a, a)))
        np.testing.assert_allclose(there, back, rtol=1e-5)
        assert np.isfinite(there)
        assert same <= there if metric is quality.l1 else same >= there
    assert -1 <= quality.ssim(a, b).numpy()[0] <= 1 + 1e-6
    expected = -10 * np.log10(np.mean((a.astype(float) - b) ** 2))
    np.testing.assert_allclose(quality.psnr(a, b).numpy()[0], expected, rtol=1e-4)
