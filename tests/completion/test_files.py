"""What is read comes back: samples, alpha, profile, EXIF, resolution, JPEG tables."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin

from kinpaint.completion import files
from pipelines.base.errors import UserError

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def pixels(height=24, width=40, channels=3, seed=0):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    image = image.convert(mode) if mode else image
    image.save(path, **options)
    return path


def round_trip(path, out, hole=None):
    photo = files.read(path)
    hole = np.zeros(photo.samples.shape[:2], bool) if hole is None else hole
    completed = np.full((*hole.shape, 3), 9, np.uint8)
    files.write(photo.with_hole(completed, hole), out, files.SUFFIXES[out.suffix])
    return photo


@pytest.mark.parametrize("channels, mode", [(0, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_lossless_formats_keep_known_samples_and_alpha(tmp_path, channels, mode, suffix):
    array = pixels(channels=channels)
    source = save(
        tmp_path / f"a{suffix}", array, **({"lossless": True} if suffix == ".webp" else {})
    )
    hole = np.zeros(array.shape[:2], bool)
    hole[5:9, 7:20] = True
    round_trip(source, tmp_path / f"b{suffix}", hole)
    before, after = (
        np.asarray(Image.open(tmp_path / f"{n}{suffix}").convert("RGBA")) for n in "ab"
    )
    np.testing.assert_array_equal(after[~hole], before[~hole])
    np.testing.assert_array_equal(after[hole][:, 3], before[hole][:, 3])
    assert (after[hole][:, :3] == 9).all()
    if suffix == ".png":
        assert Image.open(tmp_path / "b.png").mode == mode


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_orientation_is_applied_once(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Camera"
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8)[None, :, None] * 6, (24, 40, 3)).copy()
    ramp[:6, :10] = 255
    source = save(tmp_path / f"a{suffix}", ramp, exif=exif)
    round_trip(source, tmp_path / f"b{suffix}")
    seen = files.read(tmp_path / f"b{suffix}")
    assert seen.orientation == 1
    assert Image.open(tmp_path / f"b{suffix}").getexif()[ExifTags.Base.Make] == "Camera"
    expected = {
        1: ramp,
        2: ramp[:, ::-1],
        3: ramp[::-1, ::-1],
        4: ramp[::-1],
        5: ramp.transpose(1, 0, 2),
        6: ramp[::-1].transpose(1, 0, 2),
        7: ramp[::-1, ::-1].transpose(1, 0, 2),
        8: ramp[:, ::-1].transpose(1, 0, 2),
    }[orientation]
    assert seen.rgb.shape == expected.shape
    assert np.abs(seen.rgb.astype(int) - expected).mean() < 8


def test_a_mask_drawn_on_the_stored_picture_is_turned_with_it(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo = files.read(save(tmp_path / "a.png", pixels(), exif=exif))
    mask = np.zeros((24, 40), np.uint8)
    mask[:4, :8] = 255
    hole = files.read_mask(save(tmp_path / "m.png", mask), photo)
    assert hole.shape == (40, 24)
    assert hole[:8, -4:].all() and hole.sum() == 32
    upright = np.ascontiguousarray(np.rot90(mask, -1))
    again = files.read_mask(save(tmp_path / "u.png", upright), photo)
    np.testing.assert_array_equal(again, hole)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_profile_resolution_and_exif_survive(tmp_path, suffix):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Unal"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    options = {"icc_profile": PROFILE, "exif": exif}
    options |= {} if suffix == ".webp" else {"dpi": (300, 300)}
    round_trip(save(tmp_path / f"a{suffix}", pixels(), **options), tmp_path / f"b{suffix}")
    with Image.open(tmp_path / f"b{suffix}") as after:
        assert after.info["icc_profile"] == PROFILE
        assert after.getexif()[ExifTags.Base.Artist] == "Unal"
        assert after.getexif().get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
        if suffix != ".webp":
            assert after.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_edited_in_place_and_loses_only_its_thumbnail(tmp_path, order):
    small = io.BytesIO()
    Image.fromarray(pixels(8, 8)).save(small, "JPEG")
    secret, text = small.getvalue(), "Ünal".encode()
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    second_at = 8 + 2 + 2 * 12 + 4 + len(text)
    first = struct.pack(f"{order}HHHIHH", 2, 0x0112, 3, 1, 6, 0)
    first += struct.pack(
        f"{order}HHIII", 0x013B, 2, len(text), second_at - len(text), second_at
    )
    second = struct.pack(f"{order}HHHII", 2, 0x0201, 4, 1, second_at + 30)
    second += struct.pack(f"{order}HHIII", 0x0202, 4, 1, len(secret), 0)
    block = b"Exif\0\0" + head + first + text + second + secret
    source = save(tmp_path / "a.jpg", pixels(), exif=block)
    assert secret in source.read_bytes()
    photo = round_trip(source, tmp_path / "b.jpg")
    assert photo.rgb.shape == (40, 24, 3)
    written = (tmp_path / "b.jpg").read_bytes()
    assert secret not in written and text in written
    assert Image.open(tmp_path / "b.jpg").getexif()[ExifTags.Base.Orientation] == 1


@pytest.mark.parametrize("block", [b"II*\0\x08\0\0\0\xff\xff", b"nonsense", b"II*\0"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_damaged_exif_is_left_out_and_said(tmp_path, block, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    save(tmp_path / f"a{suffix}", pixels(), exif=b"Exif\0\0" + block, **options)
    photo = round_trip(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}")
    assert "its EXIF, which is damaged" in files.left_out(photo, photo.format)
    assert block not in (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("quality", [55, 97])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_tables_and_subsampling_are_kept(tmp_path, quality, subsampling):
    source = tmp_path / "a.jpg"
    save(source, pixels(64, 48), quality=quality, subsampling=subsampling, progressive=True)
    round_trip(source, tmp_path / "b.jpg")
    with Image.open(source) as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == subsampling
        assert after.info.get("progressive")


def test_sixteen_bit_grey_keeps_its_depth(tmp_path):
    array = np.random.default_rng(0).integers(0, 65536, (24, 40)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), array)
    hole = np.zeros((24, 40), bool)
    hole[3:6] = True
    photo = round_trip(tmp_path / "a.png", tmp_path / "b.png", hole)
    assert photo.rgb.max() > 200 and photo.rgb.std() > 50
    after = cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(after[~hole], array[~hole])
    assert (after[hole] == 9 * 257).all()


def test_palette_pictures_become_colour_with_their_transparency(tmp_path):
    image = Image.fromarray(pixels()).quantize(16)
    image.save(tmp_path / "a.png", transparency=3)
    round_trip(tmp_path / "a.png", tmp_path / "b.png")
    before, after = (
        np.asarray(Image.open(tmp_path / f"{n}.png").convert("RGBA")) for n in "ab"
    )
    np.testing.assert_array_equal(after, before)


def test_png_text_survives(tmp_path):
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a bird")
    round_trip(save(tmp_path / "a.png", pixels(), pnginfo=info), tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").text["Title"] == "a bird"


@pytest.mark.parametrize("polarity", [False, True])
@pytest.mark.parametrize(
    "form", ["L", "1", "P", "RGB", "I;16", "jpeg", "alpha", "RGBA"], ids=str
)
def test_masks_of_every_form_mean_white_is_the_hole(tmp_path, form, polarity):
    photo = files.read(save(tmp_path / "a.png", pixels(32, 48)))
    hole = np.zeros((32, 48), bool)
    hole[8:16, 16:40] = True
    grey = np.where(hole, 255, 0).astype(np.uint8)
    path = tmp_path / ("m.jpg" if form == "jpeg" else "m.png")
    if form == "I;16":
        cv2.imwrite(str(path), grey.astype(np.uint16) * 257)
    elif form == "alpha":
        save(path, np.dstack([np.zeros((32, 48, 3), np.uint8), grey]))
    elif form == "RGBA":
        save(path, np.dstack([grey] * 3 + [np.full((32, 48), 255, np.uint8)]))
    else:
        save(path, grey, None if form == "jpeg" else form)
    np.testing.assert_array_equal(
        files.read_mask(path, photo, invert=polarity), hole ^ polarity
    )


def test_a_mask_is_hole_from_128_on(tmp_path):
    levels = np.arange(256, dtype=np.uint8)[None]
    photo = files.Photo(levels[:, ::-1], None, "PNG", 1, {})
    hole = files.read_mask(save(tmp_path / "m.png", levels), photo)
    np.testing.assert_array_equal(hole, levels >= 128)


def bomb(path, side=60000):
    """A PNG of a few bytes that claims side x side pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100000)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def hostile(folder):
    """File name -> part of what must be said about it."""
    good = pixels(64, 64)
    save(folder / "whole.jpg", good)
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.jpg").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (folder / "drawing.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "noise.webp").write_bytes(np.random.default_rng(0).bytes(4096))
    bomb(folder / "bomb.png")
    Image.fromarray(good).convert("CMYK").save(folder / "print.jpg")
    frames = [Image.fromarray(pixels(16, 16, seed=k)) for k in range(3)]
    frames[0].save(folder / "moving.webp", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return {
        "truncated.jpg": "truncated",
        "empty.png": "empty",
        "page.jpg": "web page",
        "drawing.png": "SVG",
        "noise.webp": "not a picture",
        "bomb.png": "megapixels",
        "print.jpg": "CMYK",
        "moving.webp": "animated",
        "moving.gif": "animated",
    }


def test_hostile_files_are_refused_in_words(tmp_path):
    for name, words in hostile(tmp_path).items():
        with pytest.raises(UserError, match=words):
            files.read(tmp_path / name)


def test_a_wrong_extension_is_read_by_content_and_written_by_name(tmp_path):
    save(tmp_path / "a.jpg", pixels())
    (tmp_path / "a.jpg").rename(tmp_path / "really_jpeg.png")
    photo = round_trip(tmp_path / "really_jpeg.png", tmp_path / "b.png")
    assert photo.format == "JPEG"
    assert Image.open(tmp_path / "b.png").format == "PNG"


def test_what_a_format_cannot_hold_is_refused_and_leaves_nothing(tmp_path):
    photo = files.read(save(tmp_path / "a.png", pixels(channels=4)))
    with pytest.raises(UserError, match="transparency"):
        files.write(photo, tmp_path / "out" / "b.jpg", "JPEG")
    assert not (tmp_path / "out").exists()
