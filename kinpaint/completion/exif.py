"""Edits a camera's EXIF block in place, so that nothing else in it changes.

Reading the block into tags and writing it anew would move maker notes (whose
offsets then point nowhere) and lose text that is not ASCII. Two things must
change: the orientation, since the pixels are upright now, and the thumbnail, which would
show the old picture.
"""

import struct

_PREFIX = b"Exif\0\0"
_ORIENTATION, _THUMBNAIL_AT, _THUMBNAIL_SIZE = 0x0112, 0x0201, 0x0202
_SHORT = 3


def upright(block):
    """The EXIF block with orientation 1 and without thumbnail; b"" if it is damaged.

    Args:
        block: bytes, with or without the "Exif" prefix.
    """
    prefix = _PREFIX if block.startswith(_PREFIX) else b""
    tiff = bytearray(block[len(prefix) :])
    order = {b"II": "<", b"MM": ">"}.get(bytes(tiff[:2]))
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        entries, after = _entries(tiff, order, first)
        if _ORIENTATION in entries:
            struct.pack_into(f"{order}HHIHH", tiff, entries[_ORIENTATION], *_orientation_one())
        (second,) = struct.unpack_from(f"{order}I", tiff, after)
        if second:
            _erase_thumbnail(tiff, order, second)
            struct.pack_into(f"{order}I", tiff, after, 0)
    except struct.error:
        return b""
    return prefix + bytes(tiff)


def _orientation_one():
    return _ORIENTATION, _SHORT, 1, 1, 0


def _entries(tiff, order, offset):
    """Offsets of a directory's entries by tag, and of the pointer behind them."""
    (count,) = struct.unpack_from(f"{order}H", tiff, offset)
    offsets = [offset + 2 + 12 * k for k in range(count)]
    tags = {struct.unpack_from(f"{order}H", tiff, at)[0]: at for at in offsets}
    return tags, offset + 2 + 12 * count


def _erase_thumbnail(tiff, order, offset):
    entries, _ = _entries(tiff, order, offset)
    if {_THUMBNAIL_AT, _THUMBNAIL_SIZE} <= entries.keys():
        place, size = (
            struct.unpack_from(f"{order}I", tiff, entries[tag] + 8)[0]
            for tag in (_THUMBNAIL_AT, _THUMBNAIL_SIZE)
        )
        size = max(0, min(size, len(tiff) - place))
        tiff[place : place + size] = bytes(size)
