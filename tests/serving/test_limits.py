"""Few bytes that declare many pixels are refused before memory is taken for them."""

import io
import resource
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kinpaint.completion import files
from pipelines import headers
from pipelines.base.errors import UserError
from tests.completion.test_files import bomb, pixels, save

SIDE = 16000  # 256 megapixels


def declared(kind, side=SIDE):
    """A small picture file whose header says side x side."""
    file = io.BytesIO()
    options = {"exif": Image.Exif()} if kind == "WEBP" else {}
    Image.fromarray(pixels(8, 8)).save(file, kind, **options)
    data = bytearray(file.getvalue())
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", side, side)
    elif kind == "PNG":
        data[16:24] = struct.pack(">II", side, side)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", side, side)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", side, -side)
    else:
        size = (side - 1).to_bytes(3, "little") * 2
        data[12:12] = b"VP8X" + struct.pack("<II", 10, 0) + size
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_the_declared_size_is_read_and_refused(kind):
    assert headers.size(tf.constant(declared(kind))).numpy().tolist() == [SIDE, SIDE]
    with pytest.raises(tf.errors.InvalidArgumentError, match="100 megapixels"):
        headers.bounded(tf.constant(declared(kind)))
    whole = declared(kind, 8)
    assert headers.bounded(tf.constant(whole)).numpy() == whole


@pytest.mark.parametrize("role", ["image", "mask"])
def test_a_server_refuses_a_bomb_by_its_header_and_answers_the_next(exported, tmp_path, role):
    bomb(tmp_path / "bomb.png", side=SIDE)
    signature = tf.saved_model.load(exported).signatures["complete_bytes"]
    good = {
        "image_bytes": tf.io.encode_png(pixels(8, 8)),
        "mask_bytes": tf.io.encode_png(np.full((8, 8, 1), 255, np.uint8)),
    }
    bad = good | {f"{role}_bytes": tf.constant((tmp_path / "bomb.png").read_bytes())}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(tf.errors.InvalidArgumentError, match="100 megapixels"):
        signature(**{name: value[None] for name, value in bad.items()})
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kilobytes; decoded it would take 768,000
    answer = signature(**{name: value[None] for name, value in good.items()})
    assert len(answer["completed_bytes"]) == 1


def test_a_target_that_cannot_be_written_is_named(tmp_path):
    photo = files.read(save(tmp_path / "a.png", pixels()))
    for target in ("/proc/kinpaint/a.png", "/sys/a.png", "a\0b.png"):
        with pytest.raises(UserError, match="cannot write"):
            files.write(photo, target, "PNG")
