"""What is a mask and what is refused, in arrays and in files alike."""

import io

import cv2
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import ExifTags, Image

from kinpaint import loading
from kinpaint.completion import files
from pipelines import mask_rules, masks
from pipelines.base.errors import UserError

HOLE = np.zeros((20, 30), bool)
HOLE[5:9, 7:20] = True
WHITE = np.uint8(HOLE) * np.uint8(255)
PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
GREY = np.asarray(Image.fromarray(PHOTO).convert("L"))


def channels(*colour, ground=(0, 0, 0)):
    return np.where(
        HOLE[..., None], np.uint8(colour), np.uint8(ground + (0,) * (len(colour) - 3))
    )


UNDERSTOOD = {
    "bool": HOLE,
    "0 and 1": np.uint8(HOLE),
    "signed": np.int8(HOLE),
    "0 and 255, int64": np.where(HOLE, 255, 0),
    "0.0 and 1.0": np.float64(HOLE),
    "0.0 and 255.0": np.float32(WHITE),
    "half": np.float16(HOLE),
    "127 and 128": np.where(HOLE, 128, 127).astype(np.uint8),
    "16 bits": np.uint16(HOLE) * np.uint16(65535),
    "16 bits around the half": np.where(HOLE, 32896, 32895).astype(np.uint16),
    "16 bits, 0 and 1": np.uint16(HOLE),
    "one channel": WHITE[..., None],
    "equal channels": channels(255, 255, 255),
    "bool channels": np.repeat(HOLE[..., None], 3, -1),
    "tinted white": channels(255, 250, 235),
    "strokes in alpha": channels(0, 0, 0, 255),
    "one colour in alpha": channels(200, 10, 30, 255),
    "cut out": np.where(HOLE[..., None], np.uint8(255), np.uint8([255, 255, 255, 0])),
    "black strokes on transparent white": np.where(
        HOLE[..., None], np.uint8([0, 0, 0, 255]), np.uint8([255, 255, 255, 0])
    ),
    "opaque": channels(255, 255, 255, 255) | np.uint8([0, 0, 0, 255]),
    "grey and alpha": np.dstack([WHITE, np.full_like(WHITE, 255)]),
}
REFUSED = {
    "soft": (np.where(HOLE, 0.9, 0.02), "write mask > 0.5"),
    "soft in 255": (np.where(HOLE, 200.5, 3.0), "write mask > 127.5"),
    "NaN": (np.where(HOLE, np.nan, 0), "NaN"),
    "green": (channels(0, 255, 0), "painted in colours"),
    "yellow on black": (channels(255, 255, 0), "painted in colours"),
    "red on white": (channels(255, 0, 0, ground=(255, 255, 255)), "painted in colours"),
    "dark red": (channels(1, 0, 0), "painted in colours"),
    "colours of bool": (np.dstack([HOLE, ~HOLE, HOLE]), "painted in colours"),
    "labels": (np.uint8(HOLE) * np.uint8(38), "nothing is white"),
    "8 bits as 16": (np.uint16(WHITE), "nothing is white"),
    "negative": (-np.int32(HOLE), "-1 to 0"),
    "too much": (np.int32(HOLE) * 65535, "0 to 65535"),
    "text": (HOLE.astype(str), "type"),
    "complex": (HOLE.astype(complex), "type"),
    "five channels": (np.zeros((20, 30, 5), np.uint8), "give \\[H, W\\]"),
    "a row": (HOLE[0], "give \\[H, W\\]|another size"),
    "the photo": (PHOTO, "the photo itself"),
    "the photo's red": (PHOTO[..., 0], "the photo itself"),
    "the photo in grey": (GREY, "the photo itself"),
    "one channel of it": (PHOTO[..., 1:2], "the photo itself"),
    "its brightest channel": (PHOTO.max(-1), "the photo itself"),
    "grey, int64": (GREY.astype(np.int64), "the photo itself"),
    "grey, 16 bits": (GREY.astype(np.uint16) * np.uint16(257), "the photo itself"),
    "grey, opaque": (np.dstack([GREY, np.full_like(GREY, 255)]), "the photo itself"),
    "grey, the hole white": (np.where(HOLE, np.uint8(255), GREY), "the photo itself"),
    "grey, the hole cut out": (np.dstack([GREY, ~WHITE]), "the photo itself"),
    "the hole white": (np.where(HOLE[..., None], np.uint8(255), PHOTO), "the photo itself"),
}


def painter():
    def paint(images, masks, draw):
        return np.where(masks > 0, np.uint8(9), images)

    return loading.Completer(paint, None, {})


@pytest.mark.parametrize("form", UNDERSTOOD)
def test_a_mask_that_is_understood_is_this_hole(form):
    np.testing.assert_array_equal(mask_rules.hole_of(UNDERSTOOD[form]), HOLE)
    filled = painter().complete(PHOTO, UNDERSTOOD[form])
    np.testing.assert_array_equal((filled != PHOTO).any(-1), HOLE & (PHOTO != 9).any(-1))


@pytest.mark.parametrize("form", REFUSED)
def test_a_mask_in_doubt_is_refused_with_what_to_write(form):
    mask, words = REFUSED[form]
    with pytest.raises(UserError, match=words) as said:
        painter().complete(PHOTO, mask)
    assert "\n" not in str(said.value)


def test_black_is_no_hole_and_white_is_all():
    for dtype in (bool, np.uint8, np.uint16, np.float32, np.int64):
        assert not mask_rules.hole_of(np.zeros((4, 5), dtype)).any()
        assert mask_rules.hole_of(np.ones((4, 5), dtype)).all()
    assert mask_rules.hole_of(np.full((4, 5, 3), 255, np.uint8)).all()


def test_every_mask_of_a_batch_is_read_by_itself():
    stack = np.stack([np.uint8(HOLE), WHITE, np.zeros_like(WHITE)])
    images = np.stack([PHOTO] * 3)
    for given in (stack, stack[..., None]):
        filled = painter().complete_batch(images, given)
        changed = (filled != images).any(-1)
        np.testing.assert_array_equal(changed[0], changed[1])
        assert changed[0].any() and not changed[2].any()
    with pytest.raises(UserError, match="painted in colours"):
        painter().complete_batch(images[:1], channels(0, 255, 0)[None])
    with pytest.raises(UserError, match="differ in size"):
        painter().complete_batch(images, stack[:2])


def test_the_photo_saved_once_more_is_no_mask_but_a_drawing_is():
    file = io.BytesIO()
    smooth = cv2.GaussianBlur(PHOTO, (0, 0), 3)
    Image.fromarray(smooth).convert("L").save(file, "JPEG", quality=80)
    photo = files.Photo(smooth, None, "PNG", 1, {})
    with pytest.raises(UserError, match="the photo itself"):
        files.read_mask(file.getvalue(), photo)
    drawing = files.Photo(np.repeat(WHITE[..., None], 3, -1), None, "PNG", 1, {})
    mask = files.encoded(files.Photo(WHITE, None, "PNG", 1, {}), "PNG")
    np.testing.assert_array_equal(files.read_mask(mask, drawing), HOLE)


def mask_files(folder):
    """{name: whether it is understood} of mask files of every kind."""
    palette = Image.fromarray(np.uint8(HOLE))
    palette.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
    black_and_white = Image.fromarray(np.uint8(HOLE))
    black_and_white.putpalette([0, 0, 0, 255, 255, 255] + [0] * 762)
    palette.save(folder / "voc.png")
    black_and_white.save(folder / "palette.png")
    black_and_white.save(folder / "palette.gif")
    Image.fromarray(HOLE).save(folder / "bits.png")
    Image.fromarray(HOLE).save(folder / "bits.tif")
    Image.fromarray(np.uint8(HOLE)).save(folder / "ones.png")
    Image.fromarray(np.uint8(HOLE) * 2).save(folder / "labels.png")
    Image.fromarray(np.repeat(np.uint8(HOLE)[..., None], 3, -1)).save(folder / "ones_rgb.png")
    Image.fromarray(channels(255, 0, 0)).save(folder / "red.png")
    Image.fromarray(channels(255, 255, 255)).convert("CMYK").save(folder / "print.tif")
    Image.fromarray(np.float32(HOLE)).save(folder / "float.tif")
    Image.fromarray(np.float32(HOLE) * 0.7 + 0.1).save(folder / "soft.tif")
    Image.fromarray(np.int32(HOLE)).save(folder / "int.tif")
    Image.fromarray(channels(0, 0, 0, 255)).save(folder / "alpha.png")
    Image.fromarray(channels(0, 0, 0, 255)).save(folder / "alpha.webp", lossless=True)
    sixteen = np.uint16(HOLE) * np.uint16(65535)
    cv2.imwrite(str(folder / "deep_rgb.png"), np.repeat(sixteen[..., None], 3, -1))
    cv2.imwrite(str(folder / "deep_ones.png"), np.repeat(np.uint16(HOLE)[..., None], 3, -1))
    tifffile.imwrite(folder / "deep.tif", sixteen)
    tifffile.imwrite(folder / "inverse.tif", 65535 - sixteen, photometric="miniswhite")
    Image.fromarray(WHITE).save(folder / "a.jpg", quality=95, subsampling=0)
    frames = [Image.fromarray(WHITE), Image.fromarray(255 - WHITE)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    doubtful = {"voc.png", "labels.png", "red.png", "soft.tif", "moving.gif"}
    return {path.name: path.name not in doubtful for path in folder.iterdir()}


def test_mask_files_are_understood_or_refused_alike_everywhere(tmp_path, capsys):
    known = mask_files(tmp_path)
    photo = files.Photo(PHOTO, None, "PNG", 1, {})
    for name, understood in known.items():
        if understood:
            np.testing.assert_array_equal(files.read_mask(tmp_path / name, photo), HOLE, name)
        else:
            with pytest.raises(UserError):
                files.read_mask(tmp_path / name, photo)
    drawn = masks.batch(f"files(dir={str(tmp_path)!r})", tf.constant([1, 2]), 40, 20, 30)
    assert {float(m.mean()) for m in drawn.numpy()} == {np.float32(HOLE.mean())}
    said = capsys.readouterr().err
    for name, understood in known.items():
        assert (f"{name}: " in said) != understood
    assert f"{sum(known.values())} of {len(known)} masks are used" in said


@pytest.mark.parametrize("height, width", [(7, 9), (40, 60), (20, 30), (33, 11)])
def test_masks_are_resized_as_tensorflow_takes_the_nearest_pixel(height, width):
    from pipelines.masks.files import _resized

    hole = np.random.default_rng(3).uniform(size=(20, 30)) < 0.5
    wanted = tf.image.resize(np.float32(hole)[..., None], [height, width], "nearest")[..., 0]
    np.testing.assert_array_equal(_resized(hole, height, width), wanted.numpy() > 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_an_orientation_in_a_mask_is_applied(kind):
    file, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    settings = {"tiffinfo": {274: 3}} if kind == "TIFF" else {"exif": exif, "quality": 100}
    Image.fromarray(WHITE[::-1, ::-1]).convert("RGB").save(file, kind, **settings)
    np.testing.assert_array_equal(mask_rules.hole_in(file.getvalue()), HOLE)
