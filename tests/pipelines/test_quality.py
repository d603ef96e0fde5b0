"""Decoding, hashes, near duplicates, frames, complexity."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines import complexity, quality
from tests.pipelines.pictures import jpeg, picture


def grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def bits(a, b):
    return (quality.perceptual_hash(grey(a)) ^ quality.perceptual_hash(grey(b))).bit_count()


def test_decode_applies_orientation_and_refuses_halves():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.fromarray(picture(1)).save(file, "JPEG", exif=exif)
    assert quality.decode(file.getvalue()).size == (96, 120)
    assert quality.decode(file.getvalue()).format == "JPEG"
    for bad in (file.getvalue()[:-400], b"", b"<html>"):
        with pytest.raises(quality.Unreadable):
            quality.decode(bad)


def test_deep_grey_is_its_high_bytes():
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    file = io.BytesIO()
    Image.fromarray(deep).save(file, "PNG")
    read = quality.decode(file.getvalue())
    assert read.format == "PNG"
    np.testing.assert_array_equal(np.asarray(read), np.repeat((deep >> 8)[..., None], 3, -1))


def test_hashes_are_near_for_copies_and_far_for_others():
    image = picture(3, 240, 192)
    smaller = cv2.resize(image, (150, 120), interpolation=cv2.INTER_AREA)
    recoded = np.asarray(quality.decode(jpeg(smaller, 40)))
    assert bits(image, recoded) <= quality.NEAR
    assert min(bits(picture(k), picture(k + 50)) for k in range(50)) > quality.NEAR


def test_near_duplicates_finds_mirrors_across_blocks():
    images = [picture(k) for k in range(30)]
    images[29] = np.ascontiguousarray(images[2][:, ::-1])
    images[17] = images[4]
    hashes = [quality.perceptual_hash(grey(image)) for image in images]
    mirrored = [quality.perceptual_hash(grey(np.fliplr(image).copy())) for image in images]
    pairs = quality.near_duplicates(hashes, mirrored, block=7)
    assert [pair[:2] for pair in pairs] == [(2, 29), (4, 17)]
    assert quality.first_of_each(30, pairs) == [k for k in range(30) if k not in (17, 29)]


def test_frames_are_found_and_skies_are_not():
    image = grey(picture(5, 200, 160))
    framed = cv2.copyMakeBorder(image, 9, 9, 0, 0, cv2.BORDER_CONSTANT, value=0)
    sky = image.copy()
    sky[:60] = 200
    assert quality.frame_width(image) == 0
    assert quality.frame_width(framed) == 9
    assert quality.frame_width(framed.T) == 9
    assert quality.frame_width(sky) == 0
    assert quality.frame_width(np.full((8, 8), 7, np.uint8)) == 8


def test_complexity_rises_with_grain_and_terciles_are_balanced():
    rows, labels = [], []
    for grain in range(1, 10):
        for name in ("cats", "dogs"):
            noise = np.random.default_rng(grain).normal(0, 5 * grain, (256, 300, 3))
            rows.append(complexity.measures(np.clip(128 + noise, 0, 255).astype(np.uint8)))
            labels.append(name)
    score = complexity.scores(rows, labels)
    assert (np.diff(score[::2]) > 0).all() and (np.diff(score[1::2]) > 0).all()
    thirds = complexity.terciles(score, labels)
    assert thirds[::2] == ["low"] * 3 + ["middle"] * 3 + ["high"] * 3 == thirds[1::2]


def test_local_entropy_of_known_tiles():
    assert complexity.local_entropy(np.full((32, 32), 9, np.uint8)) == 0
    halves = np.zeros((16, 16), np.uint8)
    halves[8:] = 255
    assert complexity.local_entropy(halves) == pytest.approx(1.0)
    # A strip of 4 px, two columns black and two white, filled up with white.
    strip = np.repeat(np.uint8([[0, 0, 255, 255]]), 16, axis=0)
    share = 2 / 16
    expected = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
    assert complexity.local_entropy(strip) == pytest.approx(expected)
