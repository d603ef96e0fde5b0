"""Nothing is lost in a file, or it is said: other readers look at what was written."""

import hashlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from kinpaint.completion import files, metadata
from pipelines import stored
from pipelines.base.errors import UserError
from tests.completion.test_files import PROFILE, bomb, pixels, round_trip, save

HOLE = np.zeros((24, 40), bool)
HOLE[5:9, 7:20] = True
FILL = 9 * 257  # of `round_trip`, in 16 bits


def deep(channels=3, seed=0):
    shape = (24, 40, channels) if channels else (24, 40)
    return np.random.default_rng(seed).integers(0, 65536, shape, np.uint16)


def by_opencv(path):
    array = cv2.imdecode(
        np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    )
    return array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[-1]]]


# 16 bits

TIFFS = {
    "plain": {},
    "big end first": {"byteorder": ">"},
    "tiles": {"tile": (16, 16)},
    "deflate": {"compression": "zlib", "predictor": True},
    "planes": {"planarconfig": "separate"},
}


@pytest.mark.parametrize("form", TIFFS)
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_sixteen_bit_colour_of_any_tiff_keeps_every_known_sample(tmp_path, form, suffix):
    array, settings = deep(), TIFFS[form]
    laid_out = np.moveaxis(array, -1, 0) if form == "planes" else array
    tifffile.imwrite(tmp_path / "a.tif", laid_out, photometric="rgb", **settings)
    photo = round_trip(tmp_path / "a.tif", tmp_path / f"b{suffix}", HOLE)
    np.testing.assert_array_equal(photo.rgb, np.rint(array / 257))
    after = by_opencv(tmp_path / f"b{suffix}")
    assert after.dtype == np.uint16
    np.testing.assert_array_equal(after[~HOLE], array[~HOLE])
    assert (after[HOLE] == FILL).all()
    if suffix == ".tif":
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), after)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_lzw_is_read_too_and_turned_once(tmp_path, orientation):
    array = np.repeat(np.repeat(deep()[::4, ::4], 4, 0), 4, 1)
    cv2.imwrite(str(tmp_path / "lzw.tif"), array[..., ::-1])
    with tifffile.TiffFile(tmp_path / "lzw.tif") as file:
        assert file.pages[0].compression == 5
    data = bytearray((tmp_path / "lzw.tif").read_bytes())
    (ifd,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, ifd)
    entries = [bytes(data[ifd + 2 + 12 * k : ifd + 14 + 12 * k]) for k in range(count)]
    entries = [e for e in entries if e[:2] != b"\x12\x01"]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    head = b"II*\0" + struct.pack("<I", len(data))
    end = struct.pack("<H", len(entries)) + b"".join(sorted(entries, key=lambda e: e[1::-1]))
    (tmp_path / "a.tif").write_bytes(head + bytes(data[8:]) + end + bytes(4))
    photo = files.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.samples, stored.turned(array, orientation))
    assert photo.samples.dtype == np.uint16 and photo.orientation == orientation
    torn = bytearray((tmp_path / "a.tif").read_bytes())
    torn[200:900] = bytes(700)
    with pytest.raises(UserError, match="damaged"):
        files.read(bytes(torn))


@pytest.mark.parametrize("polarity", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_grey_of_either_polarity_looks_the_same(tmp_path, polarity, suffix):
    array = deep(0)
    laid_out = array if polarity == "minisblack" else 65535 - array
    tifffile.imwrite(tmp_path / "a.tif", laid_out, photometric=polarity)
    round_trip(tmp_path / "a.tif", tmp_path / f"b{suffix}", HOLE)
    after = by_opencv(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(after[~HOLE], array[~HOLE])
    assert (after[HOLE] == FILL).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_in_png_is_kept(tmp_path, channels):
    array = deep(channels)
    cv2.imwrite(str(tmp_path / "a.png"), array[..., [2, 1, 0, 3][:channels]])
    for end in (".png", ".tif"):
        photo = round_trip(tmp_path / "a.png", tmp_path / f"b{end}", HOLE)
        after = by_opencv(tmp_path / f"b{end}")
        np.testing.assert_array_equal(after[~HOLE], array[~HOLE])
        assert (after[HOLE][:, :3] == FILL).all()
    for format_ in ("JPEG", "WEBP", "AVIF"):
        with pytest.raises(UserError, match="choose --format=png"):
            files.left_out(photo, format_)


@pytest.mark.parametrize("channels", [0, 3])
def test_the_one_transparent_colour_of_a_deep_png_is_its_alpha(tmp_path, channels):
    array = deep(channels) | np.uint16(1)
    array[5:9] = 4660
    data = cv2.imencode(".png", array)[1].tobytes()
    key = struct.pack(f">{channels or 1}H", *[4660] * (channels or 1))
    (tmp_path / "a.png").write_bytes(data[:33] + stored.png_chunk(b"tRNS", key) + data[33:])
    photo = round_trip(tmp_path / "a.png", tmp_path / "b.png")
    assert (photo.alpha[5:9] == 0).all() and (np.delete(photo.alpha, range(5, 9), 0) > 0).all()
    again = files.read(tmp_path / "b.png")
    np.testing.assert_array_equal(again.alpha, photo.alpha)


def test_the_alpha_of_a_deep_photo_can_be_its_mask():
    alpha = np.where(HOLE, 0, 65535).astype(np.uint16)
    photo = files.Photo(deep(), alpha, "PNG", 1, {})
    np.testing.assert_array_equal(photo.opacity < 128, HOLE)
    filled = photo.with_hole(np.zeros((24, 40, 3), np.uint8), HOLE, opaque=True)
    assert (filled.alpha == 65535).all()


@pytest.mark.parametrize(
    "array, settings, words",
    [
        (deep().astype(np.uint32), {"photometric": "rgb"}, "32 bits|a TIFF of a kind"),
        (deep().astype(np.float32), {"photometric": "rgb"}, "32 bits|a TIFF of a kind"),
        (deep(4), {"photometric": "rgb", "extrasamples": ["unspecified"]}, "channels beside"),
        (deep(4), {"photometric": "rgb", "extrasamples": ["assocalpha"]}, "premultiplied"),
        (
            deep(2),
            {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
            "a TIFF of a kind",
        ),
        (deep(4) >> 8, {"photometric": "separated"}, "CMYK|16 bits|cannot be kept"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_any_work(tmp_path, array, settings, words):
    tifffile.imwrite(tmp_path / "a.tif", array, **settings)
    with pytest.raises(UserError, match=words):
        files.read(tmp_path / "a.tif")


# TIFF


@pytest.mark.parametrize("channels", [0, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_written_tiff_is_read_alike_by_three_libraries(channels, bits):
    array = pixels(channels=channels) if bits == 8 else deep(channels)
    data = metadata.tiff(array, metadata.About())
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), array)
    if channels != 2 and (bits, channels) != (8, 4):  # OpenCV multiplies those by their alpha
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        found = found if found.ndim == 2 else found[..., [2, 1, 0, 3][:channels]]
        np.testing.assert_array_equal(found, array)
    if bits == 8:
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), array)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".webp"])
@pytest.mark.parametrize("orientation", [1, 8])
def test_a_tiffs_tags_and_profile_survive(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Orientation] = "Unal", orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.25
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    save(
        tmp_path / "a.tif",
        pixels(),
        exif=exif.tobytes(),
        icc_profile=PROFILE,
        dpi=(300, 300),
    )
    photo = round_trip(tmp_path / "a.tif", tmp_path / f"b{suffix}")
    assert photo.samples.shape == ((40, 24, 3) if orientation == 8 else (24, 40, 3))
    with Image.open(tmp_path / f"b{suffix}") as after:
        found = after.getexif()
        assert found[ExifTags.Base.Artist] == "Unal"
        assert found.get(ExifTags.Base.Orientation, 1) == 1
        assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == 0.25
        assert found.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
        assert after.info["icc_profile"] == PROFILE
        if suffix != ".webp":
            assert after.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_tags_of_a_map_are_kept_in_tiff_and_named_elsewhere(tmp_path):
    scale = (33550, 12, 3, (0.5, 0.5, 0.0), True)
    tifffile.imwrite(tmp_path / "a.tif", deep(), photometric="rgb", extratags=[scale])
    photo = round_trip(tmp_path / "a.tif", tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].tags[33550].value == (0.5, 0.5, 0.0)
    assert files.left_out(photo, "TIFF") == []
    assert "33550" in files.left_out(photo, "PNG")[0]


# WebP


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_stays_as_lossless_as_it_was_with_any_metadata(tmp_path, lossless):
    array, options = (
        pixels(64, 64),
        {"icc_profile": bytes(9000), "exif": b"Exif\0\0II*\0" + bytes(9000)},
    )
    save(tmp_path / "a.webp", array, lossless=lossless, xmp=b"x" * 9001, **options)
    before = np.asarray(Image.open(tmp_path / "a.webp"))
    photo = round_trip(tmp_path / "a.webp", tmp_path / "b.webp")
    assert photo.keep["lossless"] == lossless
    with Image.open(tmp_path / "b.webp") as after:
        assert after.info["icc_profile"] == bytes(9000) and len(after.info["xmp"]) == 9001
        assert np.array_equal(np.asarray(after), before) == lossless


# PNG


def png_with(path, chunks, array=None):
    save(path, pixels() if array is None else array)
    data = path.read_bytes()
    added = b"".join(stored.png_chunk(kind, content) for kind, content in chunks)
    path.write_bytes(data[:33] + added + data[33:])
    return path


def chunks_of(path):
    return {kind: content for kind, content, _ in stored.png_chunks(path.read_bytes())}


COLOURS = [
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
    (b"gAMA", struct.pack(">I", 100000)),
    (b"sRGB", b"\0"),
    (b"cICP", bytes([9, 16, 0, 1])),
    (b"iCCP", b"p\0\0" + zlib.compress(PROFILE)),
    (b"mDCV", bytes(24)),
    (b"cLLI", bytes(8)),
    (b"sBIT", bytes([5, 6, 5])),
    (b"tIME", bytes([7, 230, 1, 2, 3, 4, 5])),
    (b"prVt", b"safe to copy"),
]


@pytest.mark.parametrize("chunk", COLOURS, ids=lambda c: c[0].decode())
def test_png_chunks_come_back_byte_for_byte(tmp_path, chunk):
    photo = round_trip(png_with(tmp_path / "a.png", [chunk]), tmp_path / "b.png", HOLE)
    found = chunks_of(tmp_path / "b.png")
    assert found[chunk[0]] == chunk[1]
    assert list(found).index(chunk[0]) < list(found).index(b"IDAT")
    assert files.left_out(photo, "PNG") == []
    said = " ".join(files.left_out(photo, "JPEG"))
    assert (chunk[0].decode() in said) == (chunk[0] not in (b"iCCP", b"sBIT"))


def test_chunks_that_would_be_untrue_are_left_out_and_named(tmp_path):
    chunks = [(b"caBX", b"signed"), (b"prVT", b"unsafe to copy"), (b"gAMA", bytes(4))]
    png_with(tmp_path / "a.png", chunks)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data.replace(b"gAMA\0\0\0\0", b"gAMA\0\0\0\1"))
    photo = round_trip(tmp_path / "a.png", tmp_path / "b.png")
    said = files.left_out(photo, "PNG")
    assert any("credentials" in what for what in said) and any("prVT" in what for what in said)
    assert any("gAMA chunk, which is damaged" in what for what in said)
    assert not {b"caBX", b"prVT", b"gAMA"} & set(chunks_of(tmp_path / "b.png"))


def test_long_texts_are_carried_without_being_unpacked(tmp_path):
    packed = (b"zTXt", b"workflow\0\0" + zlib.compress(bytes(200_000_000), 1))
    photo = round_trip(png_with(tmp_path / "a.png", [packed]), tmp_path / "b.png")
    assert chunks_of(tmp_path / "b.png")[b"zTXt"] == packed[1]
    assert photo.orientation == 1


def test_a_profile_that_unpacks_without_end_is_not_unpacked(tmp_path):
    packed = (b"iCCP", b"p\0\0" + zlib.compress(bytes(200_000_000), 1))
    photo = files.read(png_with(tmp_path / "a.png", [packed]))
    assert photo.about.icc == b"" and "iCCP" in files.left_out(photo, "JPEG")[0]


def test_exif_in_old_text_form_turns_the_picture_and_is_kept(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = 6, "Camera"
    block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n"
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", text, zip=True)
    photo = round_trip(save(tmp_path / "a.png", pixels(), pnginfo=info), tmp_path / "b.png")
    assert photo.samples.shape == (40, 24, 3) and photo.orientation == 6
    after = Image.open(tmp_path / "b.png").getexif()
    assert after[ExifTags.Base.Make] == "Camera" and after[ExifTags.Base.Orientation] == 1


# JPEG


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_progressive_jpeg_of_any_quality_is_written(tmp_path, quality, mode):
    noise = Image.fromarray(pixels(300, 400)).convert(mode)
    usual, ImageFile.MAXBLOCK = ImageFile.MAXBLOCK, 1 << 24
    noise.save(tmp_path / "a.jpg", quality=quality, subsampling=0, progressive=True)
    ImageFile.MAXBLOCK = usual
    round_trip(tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert ImageFile.MAXBLOCK == usual
    with Image.open(tmp_path / "a.jpg") as before, Image.open(tmp_path / "b.jpg") as after:
        assert after.info["progressive"] and after.quantization == before.quantization
        difference = np.abs(np.asarray(before).astype(int) - np.asarray(after))
    assert difference.mean() < 2.5


def segments(path):
    return list(metadata._segments(path.read_bytes()))


def jpeg_with(path, *contents, behind=b""):
    """A JPEG with these (marker, content) behind its JFIF header."""
    save(path, pixels(64, 96), quality=90)
    data = path.read_bytes()
    added = b"".join(
        bytes([255, marker]) + struct.pack(">H", len(content) + 2) + content
        for marker, content in contents
    )
    path.write_bytes(data[:20] + added + data[20:] + behind)
    return path


XMP = b"http://ns.adobe.com/xap/1.0/\0"
GAIN_MAP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="Unal" '
    b'xmlns:G="http://ns.adobe.com/hdr-gain-map/1.0/" G:Version="1.0" '
    b'xmlns:C="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/">'
    b'<C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item Item:Mime="image/jpeg" '
    b'Item:Semantic="GainMap" Item:Length="999"/></rdf:li></rdf:Seq></C:Directory>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_a_gain_map_goes_with_its_promise_and_is_named(tmp_path):
    small = io.BytesIO()
    Image.new("L", (48, 32)).save(small, "JPEG")
    iso = (0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))
    source = jpeg_with(tmp_path / "a.jpg", (0xE1, XMP + GAIN_MAP), iso, behind=small.getvalue())
    photo = round_trip(source, tmp_path / "b.jpg")
    written = (tmp_path / "b.jpg").read_bytes()
    assert files.left_out(photo, "JPEG") == ["its gain map"]
    assert written.count(b"\xff\xd8\xff") == 1
    assert b"GainMap" not in written and b"21496" not in written and b"G:Version" not in written
    assert b'dc:creator="Unal"' in written
    import xml.etree.ElementTree as tree

    tree.fromstring(photo.about.xmp)


def test_a_film_behind_the_photo_goes_with_its_promise(tmp_path):
    packet = (
        b'<r xmlns:GCamera="u" GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="7" b="1"/>'
    )
    film = struct.pack(">I", 24) + b"ftypmp42" + bytes(12)
    source = jpeg_with(tmp_path / "a.jpg", (0xE1, XMP + packet), behind=film)
    photo = round_trip(source, tmp_path / "b.jpg")
    written = (tmp_path / "b.jpg").read_bytes()
    assert "the film behind it" in files.left_out(photo, "JPEG")
    assert b"ftyp" not in written and b"Motion" not in written and b'b="1"' in written


def test_captions_stay_and_thumbnails_go(tmp_path):
    def resource(number, content):
        padded = content + bytes(len(content) % 2)
        return (
            b"8BIM"
            + struct.pack(">H", number)
            + b"\0\0"
            + struct.pack(">I", len(content))
            + padded
        )

    caption = resource(0x0404, b"\x1c\x02\x78\x00\x06a bird")
    irb = resource(1036, b"OLD PICTURE") + caption
    jfif = (0xED, b"Photoshop 3.0\0" + irb)
    photo = round_trip(jpeg_with(tmp_path / "a.jpg", jfif, (0xFE, b"said")), tmp_path / "b.jpg")
    assert photo.about.irb == caption and files.left_out(photo, "JPEG") == []
    found = dict(segments(tmp_path / "b.jpg"))
    assert found[0xED] == b"Photoshop 3.0\0" + caption and found[0xFE] == b"said"
    assert "IPTC" in files.left_out(photo, "PNG")[0]
    files.write(photo, tmp_path / "b.tif", "TIFF")
    assert Image.open(tmp_path / "b.tif").tag_v2[34377] == caption


def extended(packet):
    mark = hashlib.md5(packet).hexdigest().upper().encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + mark + struct.pack(">I", len(packet))
    main = b'<r xmlns:xmpNote="u" xmpNote:HasExtendedXMP="' + mark + b'"/>'
    parts = [(k, packet[k : k + 60000]) for k in range(0, len(packet), 60000)]
    return [(0xE1, XMP + main)] + [(0xE1, head + struct.pack(">I", k) + p) for k, p in parts]


def test_xmp_over_several_segments_is_kept_or_its_promise_removed(tmp_path):
    wanted = extended(b"<r>" + b"y" * 100_000 + b"</r>")
    photo = round_trip(jpeg_with(tmp_path / "a.jpg", *wanted), tmp_path / "b.jpg")
    found = [part for part in segments(tmp_path / "b.jpg") if part[0] == 0xE1]
    assert found == wanted and files.left_out(photo, "JPEG") == []
    assert files.left_out(photo, "PNG") == ["its extended XMP"]
    files.write(photo, tmp_path / "b.png", "PNG")
    assert b"HasExtended" not in (tmp_path / "b.png").read_bytes()


def test_a_copy_of_the_picture_in_the_xmp_goes(tmp_path):
    parts = extended(b'<r GImage:Data="' + b"A" * 90_000 + b'"/>')
    photo = round_trip(jpeg_with(tmp_path / "a.jpg", *parts), tmp_path / "b.jpg")
    written = (tmp_path / "b.jpg").read_bytes()
    assert b"GImage" not in written and b"HasExtended" not in written
    assert "copies of the picture in its XMP" in files.left_out(photo, "JPEG")


def test_exif_and_xmp_over_a_segment_reach_a_jpeg(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Make] = "x" * 70_000, "Camera"
    packet = b"<r>" + b"z" * 150_000 + b"</r>"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    photo = files.read(save(tmp_path / "a.png", pixels(), exif=exif, pnginfo=info))
    assert files.left_out(photo, "JPEG") == ["the longest entries of its EXIF"]
    files.write(photo, tmp_path / "b.jpg", "JPEG")
    assert Image.open(tmp_path / "b.jpg").getexif()[ExifTags.Base.Make] == "Camera"
    more = [
        c for m, c in segments(tmp_path / "b.jpg") if c.startswith(b"http://ns.adobe.com/xmp/e")
    ]
    assert b"".join(content[75:] for content in more) == packet
    assert (
        hashlib.md5(packet).hexdigest().upper().encode()
        in files.read(tmp_path / "b.jpg").about.xmp
    )


def test_blocks_that_nobody_knows_are_named(tmp_path):
    source = jpeg_with(tmp_path / "a.jpg", (0xE4, b"Maker\0data"), (0xEB, b"JP\0\1jumb"))
    said = files.left_out(files.read(source), "JPEG")
    assert said == ["its Maker block", "its content credentials"]


def test_a_jpeg_whose_colours_are_stored_as_rgb_stays_so(tmp_path):
    save(tmp_path / "a.jpg", pixels(64, 64), quality=95, keep_rgb=True, subsampling=0)
    round_trip(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as after:
        assert after.info["adobe_transform"] == 0


# HEIC and AVIF

MODERN = [
    pytest.param(
        ".heic",
        marks=pytest.mark.skipif(not stored.HEIC, reason="pillow-heif is not installed"),
    ),
    pytest.param(
        ".avif", marks=pytest.mark.skipif(not stored.AVIF, reason="Pillow has no AVIF here")
    ),
]


@pytest.mark.parametrize("suffix", MODERN)
@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_and_avif_are_read_and_written_with_what_they_hold(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Camera", orientation
    ramp = np.tile(np.arange(64, dtype=np.uint8)[:, None, None] * 3, (1, 96, 3))
    kind = files.SUFFIXES[suffix]
    Image.fromarray(ramp).save(
        tmp_path / f"a{suffix}", kind, exif=exif, icc_profile=PROFILE, xmp=b"<r/>", quality=90
    )
    photo = files.read(tmp_path / f"a{suffix}")
    hole = np.zeros(photo.samples.shape[:2], bool)
    hole[10:20, 30:50] = True
    for end in (suffix, ".png"):
        files.write(
            photo.with_hole(np.full_like(photo.rgb, 250), hole),
            tmp_path / f"b{end}",
            files.SUFFIXES[end],
        )
        after = files.read(tmp_path / f"b{end}")
        assert after.rgb.shape == photo.rgb.shape and after.orientation == 1
        assert np.abs(after.rgb[~hole].astype(int) - photo.rgb[~hole]).mean() < 3
        assert after.rgb[hole].mean() > 240
        assert after.about.icc == PROFILE and after.about.xmp == b"<r/>"
        assert Image.open(tmp_path / f"b{end}").getexif()[ExifTags.Base.Make] == "Camera"


@pytest.mark.skipif(not stored.AVIF, reason="Pillow has no AVIF here")
def test_ten_bits_of_an_avif_are_refused(tmp_path):
    done, data = cv2.imencode(".avif", deep() >> 6, [cv2.IMWRITE_AVIF_DEPTH, 10])
    if not done:
        pytest.skip("this OpenCV writes no AVIF")
    with pytest.raises(UserError, match="10 bits"):
        files.read(data.tobytes())


@pytest.mark.skipif(not stored.HEIC, reason="pillow-heif is not installed")
def test_ten_bits_of_a_heic_are_refused(tmp_path):
    import pillow_heif

    picture = pillow_heif.from_bytes("RGB;16", (40, 24), deep().tobytes())
    picture.save(tmp_path / "a.heic", quality=80)
    with pytest.raises(UserError, match="10 bits"):
        files.read(tmp_path / "a.heic")


def test_without_its_library_a_format_is_named_before_any_work(tmp_path, monkeypatch):
    photo = files.read(save(tmp_path / "a.png", pixels()))
    monkeypatch.setattr(stored, "HEIC", False)
    monkeypatch.setattr(stored, "AVIF", False)
    with pytest.raises(UserError, match="pip install pillow-heif"):
        files.left_out(photo, "HEIF")
    with pytest.raises(UserError, match="AVIF"):
        files.left_out(photo, "AVIF")
    monkeypatch.setattr(stored, "FORMATS", ("JPEG", "PNG"))
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    with pytest.raises(UserError, match="pip install pillow-heif"):
        files.read(tmp_path / "a.heic")


# Bytes, bounds


def test_all_of_it_works_on_bytes(tmp_path):
    data = save(tmp_path / "a.png", pixels()).read_bytes()
    photo = files.read(data)
    assert files.encoded(photo, "PNG")[:4] == b"\x89PNG"
    mask = files.encoded(files.Photo(np.uint8(HOLE) * 255, None, "PNG", 1, {}), "PNG")
    np.testing.assert_array_equal(files.read_mask(mask, photo), HOLE)
    assert stored.size(data) == (40, 24)


def test_sizes_and_files_without_bound_are_refused(tmp_path, monkeypatch):
    bomb(tmp_path / "bomb.png")
    with pytest.raises(UserError, match="megapixels"):
        stored.opened((tmp_path / "bomb.png").read_bytes())
    monkeypatch.setattr(stored, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="more than"):
        files.read(save(tmp_path / "a.png", pixels()))


def test_a_side_that_a_format_cannot_hold_is_said_before(tmp_path):
    photo = files.Photo(np.zeros((1, 17000, 3), np.uint8), None, "PNG", 1, {})
    with pytest.raises(UserError, match="17000x1 pixels, at most 16383"):
        files.left_out(photo, "WEBP")


def test_what_follows_a_png_is_named_in_one_line(tmp_path):
    data = save(tmp_path / "a.png", pixels(20, 30)).read_bytes()
    assert files.read(data + bytes(9)).about.left_out == []
    for behind in (b"junk" * 9, data):
        assert files.read(data + behind).about.left_out == ["what follows the picture"]
    strange = data[:33] + b"\0\0\0\0\n\xff\0a\0\0\0\0" + data[33:]
    assert files.read(strange).about.left_out == ["its unnamed chunk, which is damaged"]


def test_sixteen_bit_grey_that_needs_a_package_elsewhere_is_read(tmp_path):
    for compression in ("zstd", "tiff_lzw", "lzma"):
        for polarity, array in ((1, deep(0)), (0, 65535 - deep(0))):
            tags = {262: polarity, 274: 6}
            path = tmp_path / "a.tif"
            Image.fromarray(array).save(path, compression=compression, tiffinfo=tags)
            np.testing.assert_array_equal(files.read(path).samples, np.rot90(deep(0), -1))


@pytest.mark.parametrize(
    "packet",
    [
        b"<hdrgm:a>" * 400_000,
        b"".join(b"<hdrgm:a%d>" % k for k in range(200_000)),
        b"".join(
            b' xmlns:a%d="http://ns.adobe.com/hdr-gain-map/1.0/"' % k for k in range(50_000)
        ),
        b"hdrgm: " + b" " * 4_000_000,
    ],
    ids=["never closed", "names", "prefixes", "spaces"],
)
def test_an_xmp_that_was_made_to_take_hours_takes_none(packet):
    made, lost = metadata.true_xmp(b"<x:xmpmeta>" + packet, False)
    assert lost == ["its XMP, which is damaged"] and not made or made.endswith(b" " * 99)


def test_elements_that_hold_others_go_whole():
    packet = (
        b'<r a="1" hdrgm:Version = "1.0"\n hdrgm:B=\'<\' c="2"><hdrgm:A>1<hdrgm:C/></hdrgm:A >x'
        b"<hdrgm:A/>y<Container:D><rdf:Seq><rdf:li/></rdf:Seq></Container:D>z<hdrgmx:K/></r>"
    )
    made, lost = metadata.true_xmp(packet.replace(b"'<'", b"'&lt;'"), False)
    assert made == b'<r a="1" c="2">xyz<hdrgmx:K/></r>' and lost == ["its gain map"]


def test_of_thousands_of_blocks_a_few_are_named(tmp_path):
    data = save(tmp_path / "a.jpg", pixels(20, 30)).read_bytes()
    blocks = b"".join(b"\xff\xe5\0\x08%06d" % k for k in range(200_000))
    left_out = files.read(data[:2] + blocks + data[2:]).about.left_out
    assert len(left_out) == 13 and left_out[-1] == "199988 more"


def test_a_tiff_of_thousands_of_tags_is_carried():
    def of(count):
        tags, file = TiffImagePlugin.ImageFileDirectory_v2(), io.BytesIO()
        for tag in range(1000, 1000 + count):
            tags[tag] = "some text"
        Image.new("RGB", (8, 8)).save(file, "TIFF", tiffinfo=tags)
        return file.getvalue()

    with pytest.raises(UserError, match="more than libtiff reads"):
        files.read(of(4100))
    photo = files.read(of(3900))
    again = files.read(files.encoded(photo, "TIFF"))
    assert again.about.tags == photo.about.tags and len(photo.about.tags) == 3900
    short, lost = metadata.fitted(photo.about, "TIFF", "JPEG")
    assert "the longest entries of its EXIF" in lost and 60_000 < len(short.exif) < 65_533


def test_exif_that_a_tiff_cannot_hold_is_named(tmp_path):
    outside = struct.pack("<HHII", 0x8769, 4, 1, 1 << 28)
    for entry, said in ((outside, ["parts of its EXIF, which are damaged"]), (b"", [])):
        block = b"II*\0\x08\0\0\0" + struct.pack("<H", bool(entry)) + entry + bytes(4)
        path = save(tmp_path / "a.jpg", pixels(20, 30), exif=b"Exif\0\0" + block)
        photo = files.read(path)
        assert metadata.fitted(photo.about, "JPEG", "TIFF")[1] == said
        assert files.read(files.encoded(photo, "TIFF")).rgb.shape == (20, 30, 3)
        assert files.read(files.encoded(photo, "PNG")).about.exif == block


def test_exif_over_several_segments_and_all_comments_are_read(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.ImageDescription] = "Camera", "x" * 90_000
    block = exif.tobytes()[6:]
    data = save(tmp_path / "a.jpg", pixels(20, 30)).read_bytes()
    parts = [b"Exif\0\0" + block[k : k + 60_000] for k in (0, 60_000)]
    parts += [b"Exif\0\0" + block[:60_000]]  # another one, which no reader looks at
    added = b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 2) + p for p in parts)
    added += b"\xff\xfe\0\5one\xff\xfe\0\5two"
    photo = files.read(data[:2] + added + data[2:])
    assert photo.about.left_out == ["its second EXIF"] and photo.about.comment == b"one\ntwo"
    files.write(photo, tmp_path / "b.png", "PNG")
    seen = Image.open(tmp_path / "b.png").getexif()
    assert seen[ExifTags.Base.ImageDescription] == "x" * 90_000
    assert "the longest entries of its EXIF" in files.left_out(photo, "JPEG")
    short = files.read(files.encoded(photo, "JPEG")).about
    assert b"Camera" in short.exif and short.comment == b"one\ntwo"
