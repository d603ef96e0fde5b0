"""Damaged files for every reader: real small ones, flipped, cut, spliced; seeded.

Input `n` of a seed is always the same, so a failure names itself: `input_of(seed, n)`.
"""

import collections
import dataclasses
import faulthandler
import functools
import io
import json
import pathlib
import tempfile
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from kinpaint import loading, npz
from kinpaint.completion import files, metadata
from kinpaint.completion.options import CompleteOptions
from kinpaint.completion.report import Report
from kinpaint.weights import torch_files
from pipelines import decode, headers, listing, mask_rules, quality, records, stored
from pipelines.base import files as base_files
from pipelines.base.errors import UserError
from pipelines.exploration.measure import measure
from pipelines.inaturalist import journal, limits
from pipelines.masks.published import ListedHoles

HANG_S = 120  # a reader that takes longer has its stack printed, and the process ended
_SIZE = (24, 20)


@dataclasses.dataclass(frozen=True)
class Reader:
    """A function of a file's path, and the one error that it may raise."""

    read: Callable
    documented: tuple


def pictures():
    """{name: bytes} of small real pictures of every format and kind that is read."""
    rng = np.random.default_rng(0)
    colour = np.uint8(rng.integers(0, 256, (*_SIZE, 3)) // 64 * 64)
    grey, alpha = colour[..., 0], np.dstack([colour, colour[..., :1]])
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"
    frames = [Image.fromarray(np.roll(colour, k, 0)) for k in range(3)]
    moving = {"save_all": True, "append_images": frames[1:]}
    made = {
        "plain.jpg": (colour, {}),
        "exif.jpg": (colour, {"exif": exif, "icc_profile": b"profile" * 9, "quality": 95}),
        "progressive.jpg": (colour, {"progressive": True, "subsampling": 0}),
        "grey.jpg": (grey, {"comment": b"said"}),
        "colour.png": (colour, {"exif": exif, "dpi": (72, 72)}),
        "alpha.png": (alpha, {}),
        "grey.png": (grey, {}),
        "deep.png": (grey.astype(np.uint16) * 257, {}),
        "lossy.webp": (colour, {"exif": exif}),
        "lossless.webp": (alpha, {"lossless": True}),
        "colour.bmp": (colour, {}),
        "colour.tiff": (colour, {"compression": "tiff_lzw"}),
        "moving.webp": (colour, moving),
        "moving.gif": (colour, moving),
    }
    if stored.AVIF:
        made["colour.avif"] = (colour, {"exif": exif})
    about = metadata.About(
        exif=exif.tobytes().removeprefix(b"Exif\0\0"),
        xmp=b'<r tiff:Orientation="3" hdrgm:Version="1.0"/>',
        irb=b"8BIM\4\x0c\0\0\0\0\0\4old " + b"8BIM\4\4\0\0\0\0\0\2\x1c\2",
        icc=b"profile" * 9,
        chunks=[(b"gAMA", bytes(4)), (b"zTXt", b"k\0\0" + zlib.compress(b"text" * 99))],
    )
    plain = {kind: _saved(f"a.{kind}", colour, {}) for kind in ("jpg", "png")}
    return {name: _saved(name, *how) for name, how in made.items()} | {
        "palette.png": _saved("a.png", frames[0].quantize(8), {"transparency": 1}),
        "blocks.jpg": metadata.with_jpeg(plain["jpg"], about) + plain["jpg"],
        "chunks.png": metadata.with_png(plain["png"], about, 2),
        "deep.tiff": metadata.tiff(colour.astype(np.uint16) * 257, about),
    }


def _saved(name, picture, options):
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    file = io.BytesIO()
    kind = {"jpg": "JPEG"}.get(name.split(".")[1], name.split(".")[1].upper())
    image.save(file, kind, **options)
    return file.getvalue()


def texts():
    """{name: bytes} of small JSON and JSON-lines files as the project writes them."""
    photo = dict.fromkeys(("class", "species_name", "sha256", "licence"), "cats")
    photo |= dict.fromkeys(("photo_id", "species_id", "observer_id", "bytes"), 7)
    candidate = photo | {"path": "cats/7.jpg", "size": "medium", "extension": "jpg"}
    page = {"kind": "page", "taxon_id": 3, "rows": [candidate], "rejected": {}, "last_id": 9}
    hole = {"index": 0, "image": "cats/7.jpg", "family": "thin", "sha256": "ab" * 8}
    head = {"format": 1, "masks": "thin", "image_size": 32, "seed": 1}
    record = {"name": "cats/7.jpg", "label": "cats", "split": "val", "offset": 12, "length": 8}
    done = {"image": "a.png", "status": "done", "output": "b.png", "settings": "0"}
    lines = {
        "manifest.jsonl": [photo | {"path": f"cats/{k}.jpg", "photo_id": k} for k in range(3)],
        "journal.jsonl": [page | {"exhausted": True}],
        "holes.jsonl": [head, hole, hole | {"index": 1}],
        "a.tfrecord.index": [record],
        "report.jsonl": [done, done | {"status": "failed"}],
        "limits.json": [{"last": 1.5, "minutes": {"29000000": [3, 1000]}}],
        "model_card.json": [{"model": "cnn", "model_settings": {"width": 4}}],
    }
    return {
        name: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        for name, rows in lines.items()
    }


def arrays():
    """{name: bytes} of an npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, kernel=np.ones((3, 3), "float32"), bias=np.zeros(3, "float32"))
    return {"weights.npz": file.getvalue()}


def _served(data):
    return tf.io.decode_image(headers.bounded(data), 3, expand_animations=False)


GRAPHS = {
    "pipelines.decode": decode.decode,
    "pipelines.probe": decode.probe,
    "pipelines.headers": headers.size,
    "serving.bytes": _served,
}


def picture_readers():
    """Everything that opens a picture file."""
    text = [tf.TensorSpec([], tf.string)]
    in_graph = {
        name: Reader(
            functools.partial(_in_graph, tf.function(function, input_signature=text)),
            (tf.errors.InvalidArgumentError,),
        )
        for name, function in GRAPHS.items()
    }
    return in_graph | {
        "scrape.decode": Reader(
            lambda p: quality.decode(p.read_bytes()), (quality.Unreadable,)
        ),
        "explore.measure": Reader(lambda path: measure(path.read_bytes()), ()),
        "complete.size": Reader(stored.size, (UserError,)),
        "complete.read": Reader(files.read, (UserError,)),
        "complete.mask": Reader(mask_rules.read, (UserError,)),
    }


def _in_graph(function, path):
    return function(tf.constant(path.read_bytes()))


TEXT_READERS = {
    "rows": lambda path: base_files.rows(path, {}),
    "manifest.jsonl": lambda path: (listing.manifest(path.parent), _journal(path)),
    "journal.jsonl": lambda path: _journal(path),
    "holes.jsonl": ListedHoles,
    "a.tfrecord.index": lambda path: _shards(path),
    "report.jsonl": lambda path: Report(path, CompleteOptions()).close(),
    "limits.json": lambda path: limits.Limits(path, 1.0).requests(),
    "model_card.json": lambda path: base_files.one(path.with_name(loading.CARD)),
}


def _journal(path):
    """The file as a scrape's manifest, or as its journal beside an empty one."""
    root = path.parent
    (root / ".scrape").mkdir(exist_ok=True)
    other = root / ".scrape" / "journal.jsonl"
    other.write_bytes(path.read_bytes() if path.name == "journal.jsonl" else b"")
    return journal.Journal(root)


def _shards(path):
    (path.parent / "a.tfrecord").write_bytes(bytes(24))
    return records.entries(path.parent)


def mutated(rng, data, others):
    """One to four wounds: bytes flipped, set to extremes, cut out, repeated or spliced in."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 33))
        kind = rng.integers(7)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at : at + length] = rng.bytes(length)
        elif kind == 2:
            data[at : at + length % 5] = bytes([int(rng.choice([0, 127, 255]))]) * (length % 5)
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            del data[at : at + length]
        elif kind == 5:
            data[at:at] = data[at : at + length] * int(rng.integers(1, 9))
        else:
            other = others[int(rng.integers(len(others)))]
            place = int(rng.integers(len(other)))
            data[at : at + length] = other[place : place + 4 * length]
    return bytes(data)


class Fuzz:
    """All readers over numbered inputs.

    Args:
        seed: of every input.
    """

    def __init__(self, seed=0):
        self._seed = seed
        self.files = [
            ("picture", list(pictures().items())),
            ("text", list(texts().items())),
            ("array", list(arrays().items())),
        ]
        self._pictures = picture_readers()

    def input_of(self, number):
        """(kind, name, bytes) of one input: three in four are pictures."""
        rng = np.random.default_rng([self._seed, number])
        kind, group = self.files[int(rng.choice([0, 0, 0, 0, 0, 0, 1, 1, 2]))]
        name, data = group[int(rng.integers(len(group)))]
        return kind, name, mutated(rng, data, [other for _, other in group])

    def run(self, numbers):
        """Counts of (reader, "read" or "refused"); AssertionError names an input that broke."""
        counts = collections.Counter()
        with tempfile.TemporaryDirectory() as folder:
            for number in numbers:
                kind, name, data = self.input_of(number)
                place = pathlib.Path(folder) / f"{number}"
                place.mkdir()
                path = place / name
                path.write_bytes(data)
                for label, reader in self.readers(kind, name).items():
                    counts[label, self._outcome(number, label, reader, path)] += 1
        return counts

    def readers(self, kind, name):
        if kind == "picture":
            return self._pictures
        if kind == "array":
            return {
                "npz": Reader(npz.read, (ValueError,)),
                "torch_files": Reader(torch_files.read, (ValueError,)),
            }
        chosen = {label: TEXT_READERS[label] for label in ("rows", name)}
        return {label: Reader(read, (UserError,)) for label, read in chosen.items()}

    def _outcome(self, number, label, reader, path):
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            reader.read(path)
            return "read"
        except reader.documented as error:
            said = str(error)
            assert isinstance(error, tf.errors.OpError) or "\n" not in said, (
                number,
                label,
                said,
            )
            return "refused"
        except Exception as error:
            raise AssertionError(
                f"input {number} of seed {self._seed} ({path.name}): {label} raised "
                f"{type(error).__name__}: {error}"
            ) from error
        finally:
            faulthandler.cancel_dump_traceback_later()
