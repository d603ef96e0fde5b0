"""All that a picture file holds beside its samples: read, made true of the result, written.

EXIF, XMP, profiles and the like are carried as the bytes they are, not parsed into tags and
written anew: that would move maker notes (whose offsets then point nowhere) and lose text
that is not ASCII. Only what would be untrue of the result is changed:

- the orientation, since pixels are upright now;
- thumbnails and copies of the picture, which would show what was removed;
- gain maps, films and previews behind the picture, and what promises them. They belong to the
  old pixels. Signatures of the content likewise.

What is left out so, or has no place in the format that is written, is named, never lost
without a word: `About.left_out`, and the second value of `fitted`.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import re
import struct
import warnings
import zlib

from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin

from pipelines import stored

_SEGMENT = 65533  # most bytes of a JPEG segment's content
_MOST_NAMED = 12
_UNPACKED = 1 << 26  # most bytes of a profile or text that is unpacked
_EXIF, _XMP, _XMP_MORE = (
    b"Exif\0\0",
    b"http://ns.adobe.com/xap/1.0/\0",
    b"http://ns.adobe.com/xmp/extension/\0",
)
_TIFFS = (b"II*\0", b"MM\0*")  # what an EXIF block starts with
_ICC, _IRB = b"ICC_PROFILE\0", b"Photoshop 3.0\0"
_XMP_KEY, _GAIN = b"XML:com.adobe.xmp", b"urn:iso:std:iso:ts:21496:-1"


@dataclasses.dataclass
class About:
    """What is known of a picture beside its samples, true of the upright, filled picture.

    Attributes:
        exif: TIFF block without prefix; b"" without one.
        xmp: XMP packet; b"" without one.
        more_xmp: content of JPEG segments that go on with it.
        icc: colour profile; b"" without one.
        irb: Photoshop resources (IPTC captions and credits); b"" without any.
        dpi: (x, y), or None.
        comment: of a JPEG or GIF; b"" without one.
        chunks: (kind, data) of further PNG chunks, in order.
        tags: {number: (type, value)} of further TIFF tags.
        left_out: what could not be kept, each in a few words.
    """

    exif: bytes = b""
    xmp: bytes = b""
    more_xmp: list = dataclasses.field(default_factory=list)
    icc: bytes = b""
    irb: bytes = b""
    dpi: tuple | None = None
    comment: bytes = b""
    chunks: list = dataclasses.field(default_factory=list)
    tags: dict = dataclasses.field(default_factory=dict)
    left_out: list = dataclasses.field(default_factory=list)


def of(image: Image.Image, data: bytes) -> tuple[About, int]:
    """What a file holds beside samples, and the orientation (1 to 8) it asks for.

    Args:
        image: what `stored.opened` gave, not yet loaded.
        data: the file's bytes.
    """
    reader = {"JPEG": _of_jpeg, "MPO": _of_jpeg, "PNG": _of_png, "TIFF": _of_tiff}
    about = reader.get(image.format, _of_others)(image, data)
    orientation = _orientation(about)
    if about.exif and not (true := true_exif(about.exif)):
        about.left_out.append("its EXIF, which is damaged")
        about.exif = b""
    elif about.exif:
        about.exif = true
    if about.xmp:
        about.xmp, lost = true_xmp(about.xmp, bool(about.more_xmp))
        about.left_out += lost
    about.left_out = _few(about.left_out)
    return about, orientation


def _few(names):
    """Each once; of a file that is made of thousands of strange blocks only the first."""
    names = list(dict.fromkeys(names))
    more = len(names) - _MOST_NAMED
    return [*names[:_MOST_NAMED], f"{more} more"] if more > 1 else names


def _of_others(image, data):
    """WebP, AVIF, HEIC, GIF, BMP: as Pillow reads them."""
    info = image.info
    exif = info.get("exif") or b""
    about = About(
        exif=exif.removeprefix(_EXIF),
        xmp=_bytes(info.get("xmp") or b""),
        icc=info.get("icc_profile") or b"",
        dpi=info.get("dpi"),
        comment=_bytes(info.get("comment") or b""),
    )
    aux = [f"its {key}" for key in ("depth_images", "aux") if info.get(key)]
    about.left_out += [what.replace("_", " ").replace("aux", "gain map") for what in aux]
    return about


def _bytes(text):
    return text.encode("latin-1", "replace") if isinstance(text, str) else bytes(text)


# --- JPEG ---


def _segments(data):
    """(marker, content) up to the end of the picture, then (0, what follows it).

    In entropy-coded data 0xFF stands before 0x00 or a restart marker only, so that the next
    other one is a segment, as it is between the scans of a progressive file.
    """
    place = 2
    while match := _MARKER.search(data, place):
        marker, place = match[0][1], match.end()
        if marker == 0xD9:
            yield 0, data[place:]
            return
        (length,) = struct.unpack_from(">H", data.ljust(place + 2, b"\0"), place)
        yield marker, data[place + 2 : place + length]
        place += max(length, 2)


_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")


def _of_jpeg(image, data):
    about, profile = About(dpi=image.info.get("dpi")), {}
    exif, comments = [], []
    for marker, content in _segments(data):
        if marker == 0xE1 and content.startswith(_EXIF):
            part = content[len(_EXIF) :]
            if exif and part.startswith(_TIFFS):
                about.left_out.append("its second EXIF")
            else:  # the first, or more of one that is longer than a segment
                exif.append(part)
        elif marker == 0xE1 and content.startswith(_XMP):
            about.left_out += ["its second XMP"] * bool(about.xmp)
            about.xmp = about.xmp or content[len(_XMP) :]
        elif marker == 0xE1 and content.startswith(_XMP_MORE):
            about.more_xmp.append(content)
        elif marker == 0xE2 and content.startswith(_ICC):
            profile[content[len(_ICC)] if len(content) > len(_ICC) else 0] = content[14:]
        elif marker == 0xED and content.startswith(_IRB):
            about.irb += content[len(_IRB) :]
        elif marker == 0xFE:
            comments.append(content)
        elif marker == 0 and content.strip(b"\0"):
            about.left_out.append(_behind(data, content))
        elif (
            0xE1 <= marker <= 0xEF
            and marker != 0xEE
            and not content.startswith((b"MPF", _GAIN))
        ):
            name = content[:20].split(b"\0")[0].decode("ascii", "replace")
            what = "its content credentials" if marker == 0xEB else f"its {name or 'APP'} block"
            about.left_out.append(what)
    about.icc = b"".join(profile[k] for k in sorted(profile))
    about.exif, about.comment = b"".join(exif), b"\n".join(comments)
    about.irb = _without_thumbnail(about.irb)
    if about.more_xmp and _COPIES.search(b"".join(about.more_xmp)):
        about.more_xmp = []
        about.left_out.append("copies of the picture in its XMP")
    return about


def _behind(data, content):
    head = data[: len(data) - len(content)]
    if b"GainMap" in head or b"hdrgm" in head or _GAIN in head:
        return "its gain map"
    return "the film behind it" if b"ftyp" in content[:64] else "the pictures behind it"


def _without_thumbnail(irb):
    """Photoshop resources without 1033 and 1036, the thumbnails (Adobe's file format 2019)."""
    kept, place = [], 0
    while irb[place : place + 4] == b"8BIM" and place + 12 <= len(irb):
        name = 1 + irb[place + 6]
        start = place + 6 + name + name % 2 + 4
        if start > len(irb):
            break
        (number,) = struct.unpack_from(">H", irb, place + 4)
        (size,) = struct.unpack_from(">I", irb, start - 4)
        end = start + size + size % 2
        kept += [] if number in (1033, 1036) else [irb[place:end]]
        place = end
    return b"".join(kept)


def jpeg_settings(image: Image.Image) -> dict:
    """The options of Pillow's writer that give the same tables and sampling again."""
    tables = image.quantization
    settings = {"progressive": True} if image.info.get("progressive") else {}
    if image.mode == "RGB" and image.info.get("adobe_transform") == 0:
        settings["keep_rgb"] = True
    if set(tables) != set(range(len(tables))) or len(tables) > 4:
        return settings
    sampling = JpegImagePlugin.get_sampling(image)
    # A sampling that Pillow has no name for is written in full: nothing is lost by that.
    return settings | {"qtables": tables, "subsampling": max(sampling, 0)}


def with_jpeg(encoded: bytes, about: About) -> bytes:
    """A JPEG with all that `about` holds, behind its JFIF header."""
    segments = []
    if about.exif:
        segments.append((0xE1, _EXIF + about.exif))
    if about.xmp:
        segments.append((0xE1, _XMP + about.xmp))
    segments += [(0xE1, content) for content in about.more_xmp]
    parts = [about.icc[k : k + _SEGMENT - 14] for k in range(0, len(about.icc), _SEGMENT - 14)]
    for number, part in enumerate(parts, 1):
        segments.append((0xE2, _ICC + bytes([number, len(parts)]) + part))
    parts = [about.irb[k : k + _SEGMENT - 14] for k in range(0, len(about.irb), _SEGMENT - 14)]
    segments += [(0xED, _IRB + part) for part in parts]
    if about.comment:
        segments.append((0xFE, about.comment))
    (length,) = struct.unpack_from(">H", encoded, 4)
    end = 4 + length if encoded[2:4] == b"\xff\xe0" else 2
    middle = b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
        for marker, content in segments
    )
    return encoded[:end] + middle + encoded[end:]


# --- PNG ---

_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"mDCv", b"cLLi")
# Their form depends on the kind of colour, or they belong to an animation.
_OF_COLOUR_TYPE, _OF_FILM = (b"sBIT", b"bKGD", b"hIST"), (b"acTL", b"fcTL", b"fdAT")
_CRITICAL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _of_png(image, data):
    about = About(dpi=image.info.get("dpi"))
    for kind, content, raw in stored.png_chunks(data):
        if kind in _CRITICAL + _OF_FILM:
            continue
        if not kind:
            about.left_out += ["what follows the picture"] * bool(content.strip(b"\0"))
        elif raw != stored.png_chunk(kind, content):
            name = kind.decode("latin-1").encode("ascii", "backslashreplace").decode()
            name = name if name.isalpha() else "unnamed"
            about.left_out.append(f"its {name} chunk, which is damaged")
        elif kind == b"eXIf":
            about.exif = content.removeprefix(_EXIF)
        elif kind == b"iTXt" and content.startswith(_XMP_KEY + b"\0"):
            about.xmp = _text_of_itxt(content)
        elif block := _exif_in_text(kind, content):
            about.exif = about.exif or block
        elif kind == b"caBX":
            about.left_out.append("its content credentials")
        # PNG 5.4: a chunk with a capital fourth letter is not to be copied once pixels change.
        elif (
            kind in _COLOUR + _OF_COLOUR_TYPE + (b"pHYs",)
            or kind[3:].islower()
            or kind in _KEPT
        ):
            about.chunks.append((kind, content))
            if kind == b"iCCP":
                about.icc = _unpacked(content[content.find(b"\0") + 2 :]) or b""
            if kind == b"pHYs" and len(content) == 9 and content[8] == 1:
                about.dpi = tuple(v * 0.0254 for v in struct.unpack(">II", content[:8]))
        else:
            about.left_out.append(f"its {kind.decode('latin-1')} chunk")
    return about


_KEPT = (b"sPLT", b"tIME", b"oFFs", b"pCAL", b"sCAL", b"sTER", b"tEXt", b"zTXt", b"iTXt")


def _unpacked(data):
    """What zlib packed, within bounds; None where it is damaged or too much."""
    try:
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(data, _UNPACKED)
        return found if unpacker.eof else None
    except zlib.error:
        return None


def _text_of_itxt(content):
    """PNG 11.3.3.4: keyword, packed or not, method, language, translated keyword, text."""
    keyword, _, rest = content.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return (_unpacked(text) or b"") if rest[:1] == b"\1" else text


def _exif_in_text(kind, content):
    """The EXIF that ImageMagick wrote as hexadecimal text before PNG had a chunk for it."""
    keyword, _, rest = content.partition(b"\0")
    if keyword not in (b"Raw profile type exif", b"Raw profile type APP1"):
        return None
    text = _unpacked(rest[1:]) if kind == b"zTXt" else rest
    try:
        block = bytes.fromhex("".join(text.decode("ascii").split("\n")[3:]))
    except (ValueError, AttributeError):
        return None
    return (
        block.removeprefix(_EXIF) if block[:6] == _EXIF or block[:2] in (b"II", b"MM") else None
    )


def with_png(encoded: bytes, about: About, colour_type: int | None) -> bytes:
    """A PNG with all that `about` holds, behind its header.

    Args:
        encoded: a PNG.
        about: what it shall hold.
        colour_type: of the file that was read, if that was a PNG: chunks whose form depends on
            it are kept where it is the same.
    """
    kinds = {kind for kind, _ in about.chunks}
    same = encoded[25] == colour_type
    chunks = [c for c in about.chunks if same or c[0] not in _OF_COLOUR_TYPE]
    if about.icc and b"iCCP" not in kinds and b"cICP" not in kinds:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(about.icc)))
    if about.dpi and b"pHYs" not in kinds:
        x, y = (max(1, round(float(v) / 0.0254)) for v in about.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if about.exif:
        chunks.append((b"eXIf", about.exif))
    if about.xmp:
        chunks.append((b"iTXt", _XMP_KEY + b"\0\0\0\0\0" + about.xmp))
    if about.comment:
        text = about.comment.decode("utf-8", "replace").encode()
        chunks.append((b"iTXt", b"Comment\0\0\0\0\0" + text))
    middle = b"".join(stored.png_chunk(kind, content) for kind, content in chunks)
    return encoded[:33] + middle + encoded[33:]


# --- TIFF ---

# Tags that say how the samples lie in the file, and those that have a field of their own.
_OF_SAMPLES = {
    254,
    255,
    256,
    257,
    258,
    259,
    262,
    263,
    264,
    265,
    266,
    273,
    274,
    277,
    278,
    279,
    280,
}
_OF_SAMPLES |= {281, 282, 283, 284, 288, 289, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319}
_OF_SAMPLES |= {320, 321, 322, 323, 324, 325, 330, 332, 338, 339, 340, 341, 342, 347}
_OF_SAMPLES |= {*range(512, 533), 700, 34377, 34675}
_EXIF_IFD, _GPS_IFD, _LAYERS = 0x8769, 0x8825, 37724
_BYTE, _LONG, _UNDEFINED, _MAKER_NOTE = 1, 4, 7, 0x927C
_COPYRIGHT, _IN_EXIF = 33432, {*range(36864, 42241)}  # what an EXIF block has a place for


def _of_tiff(image, data):
    tags, exif = image.tag_v2, Image.Exif()
    about = About(
        xmp=_bytes(image.info.get("xmp") or tags.get(700) or b""),
        icc=image.info.get("icc_profile") or b"",
        irb=_without_thumbnail(_bytes(tags.get(34377) or b"")),
        dpi=image.info.get("dpi"),
    )
    if orientation := tags.get(ExifTags.Base.Orientation):
        exif[ExifTags.Base.Orientation] = orientation
    read = image.getexif()
    for tag in tags:
        if tag == _LAYERS:
            about.left_out.append("its layers")
        elif tag not in _OF_SAMPLES and tag not in (_EXIF_IFD, _GPS_IFD):
            if not _is_writable(tags.tagtype[tag], tag, tags[tag]):
                about.left_out.append(f"its TIFF tag {tag}, which is damaged")
                continue
            about.tags[tag] = (tags.tagtype[tag], tags[tag])
            if tag <= _COPYRIGHT or tag in _IN_EXIF:
                _try_tag(exif, tag, tags[tag])
    for number in (_EXIF_IFD, _GPS_IFD):
        if number in tags:
            try:
                exif.get_ifd(number).update(read.get_ifd(number))
            except Exception:  # noqa: BLE001, Pillow raises a dozen kinds on damaged tags
                about.left_out.append("its EXIF, which is damaged")
    with contextlib.suppress(KeyError):  # it has places in the old file in it
        read.get_ifd(_MAKER_NOTE)
        about.left_out.append("its maker notes")
    if len(exif):
        about.exif = exif.tobytes().removeprefix(_EXIF)
    return about


def _is_writable(kind, tag, value):
    probe = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    probe.tagtype[tag] = kind
    try:
        probe[tag] = value
        probe.tobytes(8)
    except Exception:  # noqa: BLE001, whatever Pillow finds wrong with it
        return False
    return True


def _try_tag(exif, tag, value):
    """Sets a tag in an EXIF block, unless it has a form that cannot be written there."""
    probe = Image.Exif()  # all that is in the block already would be written for every tag
    probe[tag] = value
    with contextlib.suppress(Exception):  # whatever Pillow finds wrong with it
        probe.tobytes()
        exif[tag] = value


def tiff(array, about: About) -> bytes:
    """A TIFF of uint8 or uint16 samples, [H, W] or [H, W, 2 to 4], packed without loss.

    The last of 2 or 4 channels is alpha, not multiplied in. TIFF 6.0; deflate with horizontal
    differences, as Adobe's Technical Note 3 has it.
    """
    array = array[..., None] if array.ndim == 2 else array
    height, width, count = array.shape
    kind = array.dtype.newbyteorder("<")
    rows = max(1, (1 << 20) // (width * count * kind.itemsize))
    differences = array.copy()
    differences[:, 1:] -= array[:, :-1]
    strips = [
        zlib.compress(differences[y : y + rows].astype(kind).tobytes())
        for y in range(0, height, rows)
    ]
    ifd = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    ifd[256], ifd[257], ifd[258], ifd[259] = width, height, (8 * kind.itemsize,) * count, 8
    ifd[262], ifd[277], ifd[278], ifd[284] = (2 if count >= 3 else 1), count, rows, 1
    ifd[317], ifd[274] = 2, 1
    if count in (2, 4):
        ifd[338] = 2
    # Pillow counts the strips' places from behind the directory, which comes first.
    sizes = [len(strip) for strip in strips]
    ifd.tagtype[273] = ifd.tagtype[279] = _LONG
    ifd[273], ifd[279] = tuple(itertools.accumulate(sizes[:-1], initial=0)), tuple(sizes)
    if about.dpi:
        ifd[282], ifd[283], ifd[296] = float(about.dpi[0]), float(about.dpi[1]), 2
    blocks = (
        (700, _BYTE, about.xmp),
        (34675, _UNDEFINED, about.icc),
        (34377, _BYTE, about.irb),
    )
    for tag, kind_, content in blocks:
        if content:
            ifd.tagtype[tag] = kind_
            ifd[tag] = content
    _add_exif(ifd, about)
    return b"II*\0" + struct.pack("<I", 8) + ifd.tobytes(8) + b"".join(strips)


def _add_exif(ifd, about):
    for tag, (kind, value) in about.tags.items():
        ifd.tagtype[tag] = kind
        ifd[tag] = value
    (exif, *parts), _ = _loaded(about.exif)
    for tag, value in exif.items():
        if (
            tag not in _OF_SAMPLES
            and tag not in about.tags
            and tag not in (_EXIF_IFD, _GPS_IFD)
        ):
            ifd[tag] = value
    for number, values in zip((_EXIF_IFD, _GPS_IFD), parts, strict=True):
        if values:
            ifd.tagtype[number] = _LONG
            ifd[number] = dict(values)


def _loaded(block):
    """An EXIF block's own, photo's and place's entries, and whether all could be read."""
    exif = Image.Exif()
    with warnings.catch_warnings(record=True) as said:  # Pillow goes on without those
        warnings.simplefilter("always")
        exif.load(_EXIF + block)
        parts = [dict(exif), dict(exif.get_ifd(_EXIF_IFD)), dict(exif.get_ifd(_GPS_IFD))]
    return parts, not said


# --- EXIF and XMP ---

_ORDERS = {b"II": "<", b"MM": ">"}
_ORIENTATION, _THUMBNAIL_AT, _THUMBNAIL_SIZE, _SHORT = 0x0112, 0x0201, 0x0202, 3


def _orientation(about):
    """1 to 8: of the EXIF, else of the XMP."""
    found, order = 0, _ORDERS.get(about.exif[:2])
    with contextlib.suppress(struct.error):
        (first,) = struct.unpack_from(f"{order}I", about.exif, 4)
        if entry := _entries(about.exif, order, first)[0].get(_ORIENTATION):
            (found,) = struct.unpack_from(f"{order}H", about.exif, entry + 8)
    if not found and (match := _TURN.search(about.xmp)):
        found = int(match[2])
    return found if found in range(1, 9) else 1


_TURN = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|\s*>)\s*)([0-9])")


def true_exif(block: bytes) -> bytes:
    """An EXIF block with orientation 1 and without thumbnail; b"" where it is damaged.

    Edited in place, so that nothing else in it changes or moves.
    """
    tiff_ = bytearray(block.removeprefix(_EXIF))
    order = _ORDERS.get(bytes(tiff_[:2]))
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff_, 4)
        entries, after = _entries(tiff_, order, first)
        if _ORIENTATION in entries:
            entry = (_ORIENTATION, _SHORT, 1, 1, 0)
            struct.pack_into(f"{order}HHIHH", tiff_, entries[_ORIENTATION], *entry)
        if after + 4 <= len(tiff_):  # some writers leave out the end of the last directory
            (second,) = struct.unpack_from(f"{order}I", tiff_, after)
            if second:
                _erase_thumbnail(tiff_, order, second)
                struct.pack_into(f"{order}I", tiff_, after, 0)
    except struct.error:
        return b""
    return bytes(tiff_)


def _entries(tiff_, order, offset):
    """Offsets of a directory's entries by tag, and of the pointer behind them."""
    (count,) = struct.unpack_from(f"{order}H", tiff_, offset)
    offsets = [offset + 2 + 12 * k for k in range(count)]
    tags = {struct.unpack_from(f"{order}H10x", tiff_, at)[0]: at for at in offsets}
    return tags, offset + 2 + 12 * count


def _erase_thumbnail(tiff_, order, offset):
    entries, _ = _entries(tiff_, order, offset)
    if {_THUMBNAIL_AT, _THUMBNAIL_SIZE} <= entries.keys():
        place, size = (
            struct.unpack_from(f"{order}I", tiff_, entries[tag] + 8)[0]
            for tag in (_THUMBNAIL_AT, _THUMBNAIL_SIZE)
        )
        size = max(0, min(size, len(tiff_) - place))
        tiff_[place : place + size] = bytes(size)


# Namespaces of what a filled picture no longer has, by their usual prefix. Of `GCamera` only
# the film is meant.
_PROMISES = {
    b"hdrgm": (b"http://ns.adobe.com/hdr-gain-map/1.0/", "its gain map"),
    b"HDRGainMap": (b"http://ns.apple.com/HDRGainMap/1.0/", "its gain map"),
    b"Item": (b"http://ns.google.com/photos/1.0/container/item/", ""),
    b"Container": (b"http://ns.google.com/photos/1.0/container/", ""),
    b"GContainer": (b"http://ns.google.com/photos/1.0/container/", ""),
    b"GCamera": (b"http://ns.google.com/photos/1.0/camera/", "its film"),
    b"GDepth": (b"http://ns.google.com/photos/1.0/depthmap/", "its depth map"),
    b"GImage": (
        b"http://ns.google.com/photos/1.0/image/",
        "the copy of the picture in its XMP",
    ),
    b"GAudio": (b"http://ns.google.com/photos/1.0/audio/", "its sound"),
}
_COPIES = re.compile(rb"GImage:Data|GDepth:Data|xmpGImg:image|<xmp:Thumbnails")
_MOST_XMP = 1 << 22  # bytes that are searched for promises
_MOST_PREFIXES = 8  # names a packet may give to one namespace, each searched for by itself


def true_xmp(packet: bytes, goes_on: bool) -> tuple[bytes, list[str]]:
    """An XMP packet with orientation 1 that promises nothing the result does not have.

    Args:
        packet: the XMP.
        goes_on: whether extended XMP is kept too.

    Returns:
        The packet, and what it told of that is gone, in words.
    """
    packet, lost = _TURN.sub(rb"\g<1>1", packet), []
    told = _COPIES.search(packet) or any(
        prefix + b":" in packet or uri in packet for prefix, (uri, _) in _PROMISES.items()
    )
    if told and len(packet) > _MOST_XMP:
        return b"", ["its XMP, which is too long to be searched for copies of the picture"]
    try:
        if told:
            packet, lost = _unpromised(packet)
        if told and (b"xmpGImg:image" in packet or b"GainMap" in packet):
            return b"", [*lost, "its XMP, which tells of pictures that are gone"]
        if not goes_on:
            packet, _ = _without(packet, b"xmpNote", rb"HasExtendedXMP")
    except ValueError:
        return b"", ["its XMP, which is damaged"]
    return packet, lost


def _unpromised(packet):
    """The packet without `_PROMISES`, and what they were of; ValueError where it is damaged."""
    lost = []
    for usual, (uri, what) in _PROMISES.items():
        declaration = rb"xmlns:([\w.-]+)\s*=\s*[\"']" + re.escape(uri) + rb"[\"']"
        prefixes = {usual, *re.findall(declaration, packet)}
        if len(prefixes) > _MOST_PREFIXES:
            raise ValueError(f"{len(prefixes)} names for one thing")
        names = rb"(?:MotionPhoto|MicroVideo)\w*" if usual == b"GCamera" else rb"[\w.-]+"
        for prefix in prefixes:
            packet, count = _without(packet, prefix, names)
            if count and what and what not in lost:
                lost.append(what)
    return _without(packet, b"xmp", rb"Thumbnails")[0], lost


def _without(packet, prefix, names):
    """The packet without these attributes and elements, and how many there were.

    No byte is searched more than a few times, or a packet could be made to take hours.

    Raises:
        ValueError: an element does not end.
    """
    name = re.escape(prefix) + b":" + names
    kept, place = [], 0
    for match in re.finditer(rb"<(" + name + rb")(?=[\s/>])[^<>]*>", packet):
        if match.start() < place:  # inside one that is gone
            continue
        kept.append(packet[place : match.start()])
        place = match.end()
        if not match[0].endswith(b"/>"):
            end = re.compile(rb"</" + re.escape(match[1]) + rb"\s*>").search(packet, place)
            if not end:
                raise ValueError(f"{match[1]} does not end")
            place = end.end()
    packet = b"".join([*kept, packet[place:]])
    attribute = rb"(?<!\s)\s+" + name + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    packet, count = re.subn(attribute, b"", packet)
    return packet, len(kept) + count


# --- from one format to another ---


def fitted(about: About, source: str, target: str) -> tuple[About, list[str]]:
    """What of `about` the format that is written can hold, and what not, in words.

    Args:
        about: what is known of the picture.
        source: the format it was read from, by Pillow's name.
        target: the format that is written.
    """
    about = dataclasses.replace(about, more_xmp=list(about.more_xmp))
    lost = list(about.left_out)
    if target != "PNG" and about.chunks:
        kinds = [kind.decode("latin-1") for kind, _ in about.chunks]
        # Pixels, profile and resolution of those have a place elsewhere.
        gone = [
            k for k in dict.fromkeys(kinds) if k not in ("iCCP", "pHYs", "sBIT", "bKGD", "hIST")
        ]
        gone += ["iCCP"] * ("iCCP" in kinds and not about.icc)
        lost += [f"its PNG chunks {', '.join(_few(gone))}"] if gone else []
    if target == "TIFF" and about.exif and not _loaded(about.exif)[1]:
        lost.append("parts of its EXIF, which are damaged")
    if target != "TIFF":
        gone = [tag for tag in about.tags if tag > _COPYRIGHT and tag not in _IN_EXIF]
        lost += [f"its TIFF tags {', '.join(map(str, _few(gone)))}"] if gone else []
    if target != "JPEG":
        if about.more_xmp:
            about.more_xmp = []
            about.xmp, _ = true_xmp(about.xmp, goes_on=False)
            lost.append("its extended XMP")
        if about.irb and target != "TIFF":
            about.irb = b""
            lost.append("its IPTC and Photoshop resources")
        if about.comment and target != "PNG":
            about.comment = b""
            lost.append("its comment")
    if about.dpi and target in ("WEBP", "AVIF", "HEIF"):
        lost += ["its resolution"] * (source in ("JPEG", "PNG", "TIFF", "BMP"))
    if target == "JPEG":
        lost += _fit_segments(about)
    return about, lost


def _fit_segments(about):
    """Makes EXIF, XMP, comment and profile fit into JPEG segments; what was lost by that."""
    lost = []
    if len(about.exif) > _SEGMENT - len(_EXIF):
        about.exif = _shortened(about.exif, _SEGMENT - len(_EXIF))
        lost.append("the longest entries of its EXIF" if about.exif else "its EXIF, too long")
    if len(about.xmp) > _SEGMENT - len(_XMP):
        about.xmp, about.more_xmp = _extended(about.xmp)
    if len(about.comment) > _SEGMENT:
        about.comment = b""
        lost.append("its comment, too long for a JPEG")
    if len(about.icc) > 255 * (_SEGMENT - 14):
        about.icc = b""
        lost.append("its colour profile, too long for a JPEG")
    return lost


def _shortened(block, most):
    """An EXIF block without its longest entries, at most `most` bytes; b"" if that fails."""
    exif = Image.Exif()
    try:
        exif.load(_EXIF + block)
        while (excess := len(made := exif.tobytes().removeprefix(_EXIF)) - most) > 0:
            parts = [exif] + [exif.get_ifd(n) for n in (_EXIF_IFD, _GPS_IFD) if exif.get_ifd(n)]
            sizes = {
                (k, tag): len(value) if isinstance(value, str | bytes | tuple) else 1
                for k, part in enumerate(parts)
                for tag, value in part.items()
                if tag not in (_EXIF_IFD, _GPS_IFD)
            }
            for k, tag in sorted(sizes, key=sizes.get, reverse=True):
                del parts[k][tag]
                excess -= 12 + sizes[k, tag]  # an entry of a directory takes 12 bytes
                if excess <= 0:
                    break
        return made
    except Exception:  # noqa: BLE001, Pillow raises a dozen kinds on damaged blocks
        return b""


def _extended(packet):
    """A short packet that points to the long one, and its segments (XMP part 3, 1.1.3.1)."""
    mark = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    short = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="'
        + mark
        + b'"/></rdf:RDF></x:xmpmeta>'
    )
    step = 65000
    head = _XMP_MORE + mark + struct.pack(">I", len(packet))
    parts = range(0, len(packet), step)
    return short, [head + struct.pack(">I", k) + packet[k : k + step] for k in parts]
