"""Pictures of every kind, against Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from pipelines import decode

decoded = tf.function(decode.decode, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.fixture(scope="module")
def photo():
    rows, columns = np.mgrid[:40, :56]
    pixels = np.stack([rows * 6, columns * 4, (rows * columns) % 256], -1)
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image, kind, **settings):
    data = io.BytesIO()
    image.save(data, kind, **settings)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "LA", "1"])
def test_every_kind_and_mode_equals_pillow(photo, kind, mode):
    try:
        settings = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(photo.convert(mode), kind, **settings)
    except (OSError, ValueError):
        pytest.skip(f"{kind} files have no mode {mode}")
    if kind == "BMP" and mode in ("P", "1", "RGBA"):
        pytest.skip(f"TensorFlow reads no {mode} BMP")
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    result = decoded(data).numpy()
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected)


def test_progressive_jpegs_and_16_bit_pngs(photo):
    data = encoded(photo, "JPEG", progressive=True, quality=60)
    np.testing.assert_array_equal(
        decoded(data).numpy(), np.asarray(Image.open(io.BytesIO(data)))
    )
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    result = decoded(encoded(Image.fromarray(deep), "PNG")).numpy()
    np.testing.assert_array_equal(result, np.repeat((deep >> 8)[..., None], 3, -1))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(10))
def test_exif_orientation_is_applied(photo, turn, order):
    exif = Image.Exif()
    exif.endian = order
    exif[0x10F], exif[0x112] = "maker", turn
    exif[0x11A] = 72.0
    data = encoded(photo, "JPEG", exif=exif.tobytes())
    assert (b"II*" if order == "<" else b"MM\0*") in data
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(decoded(data).numpy(), np.asarray(expected))


def segment(marker, content):
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def test_exif_behind_other_headers_is_found(photo):
    exif = Image.Exif()
    exif[0x112] = 6
    plain = encoded(photo, "JPEG")
    headers = segment(0xFE, b"a comment") + segment(0xE2, b"ICC" * 900)
    headers += segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    moved = plain[:2] + headers + segment(0xE1, exif.tobytes()) + plain[2:]
    assert decoded(moved).shape == (56, 40, 3)


@pytest.mark.parametrize(
    "tiff",
    [b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\x08\0\0\0"],
)
def test_damaged_exif_is_ignored(photo, tiff):
    plain = encoded(photo, "JPEG")
    data = plain[:2] + segment(0xE1, b"Exif\0\0" + tiff) + plain[2:]
    assert decoded(data).shape == (40, 56, 3)


@pytest.mark.parametrize("side", [8, 30])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_windows_equal_the_cut_out_whole(photo, kind, side):
    data = encoded(photo, kind)
    whole = decode.decode(tf.constant(data)).numpy()
    window = decode.decode_window(tf.constant(data), tf.constant([5, 9, side, side])).numpy()
    expected = whole[5 : 5 + side, 9 : 9 + side]
    # chroma is interpolated without its neighbours at the edge of a decoded window
    inner = (slice(2, -2), slice(2, -2))
    np.testing.assert_array_equal(window[inner], expected[inner])
    assert np.abs(window.astype(int) - expected).max() <= 12


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_raises(data):
    for read in (decode.decode, decode.probe):
        with pytest.raises(tf.errors.InvalidArgumentError):
            read(tf.constant(data))


def test_probe_gives_the_stored_size(photo):
    for kind in ("JPEG", "PNG"):
        assert decode.probe(tf.constant(encoded(photo, kind))).numpy().tolist() == [40, 56]
