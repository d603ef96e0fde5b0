"""TFRecord shards of photos: schema, index, and reading any record by itself.

A record is a `tf.train.Example`:

    image/encoded   bytes   the JPEG
    image/name      bytes   relative name, such as cats/123.jpg
    image/label     bytes   class
    image/split     bytes   train, val or test
    image/width     int64
    image/height    int64
    image/about     bytes   the manifest row, JSON

Beside `photos-00000-of-00008.tfrecord` lies `photos-00000-of-00008.tfrecord.index`,
one JSON line a record with its name, label, split, and the offset and length of
its Example in the shard. So photos in shards are found without reading them, and
each can be opened on its own: its reference is `SHARD#OFFSET+LENGTH-REST`.
"""

import collections
import json
import os
import pathlib
import re

import tensorflow as tf

from pipelines import listing
from pipelines.base import files
from pipelines.base.errors import UserError

SUFFIX = ".tfrecord"
_REFERENCE = r"(.*\.tfrecord)#(\d+)\+(\d+)-(\d+)"
_HEAD, _TAIL = 12, 4  # a record's length with its checksum, and the data's checksum
_NAME = "image/name"
_INDEX = {"name": str, "label": str, "split": str, "offset": int, "length": int}
_SCHEMA = {
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    _NAME: tf.io.FixedLenFeature([], tf.string),
    "image/label": tf.io.FixedLenFeature([], tf.string),
    "image/split": tf.io.FixedLenFeature([], tf.string),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/about": tf.io.FixedLenFeature([], tf.string),
}


def serialize(encoded, row):
    """One Example as bytes.

    Args:
        encoded: JPEG bytes.
        row: manifest row with path, class, split, width and height.
    """
    texts = {
        "image/encoded": encoded,
        _NAME: row["path"].encode(),
        "image/label": row["class"].encode(),
        "image/split": row["split"].encode(),
        "image/about": json.dumps(row, ensure_ascii=False, sort_keys=True).encode(),
    }
    feature = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in texts.items()
    }
    for key in ("width", "height"):
        numbers = tf.train.Int64List(value=[row[key]])
        feature[f"image/{key}"] = tf.train.Feature(int64_list=numbers)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def parse(serialized):
    """The features of one Example, a dict of scalar tensors; runs in a graph."""
    return tf.io.parse_single_example(serialized, _SCHEMA)


def write_shard(path, examples):
    """Writes a shard and its index; both appear whole or not at all.

    Args:
        path: of the shard, ending in .tfrecord.
        examples: serialized Examples, in order.
    """
    place, lines = 0, []
    with tf.io.TFRecordWriter(f"{path}.tmp") as writer:
        for serialized in examples:
            writer.write(serialized)
            lines.append(_index_row(serialized, place + _HEAD))
            place += _HEAD + len(serialized) + _TAIL
    with tf.io.gfile.GFile(f"{path}.index.tmp", "w") as file:
        file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    for name in (str(path), f"{path}.index"):
        tf.io.gfile.rename(f"{name}.tmp", name, overwrite=True)


def shards(data_dir):
    """The shards of a directory, sorted; empty where it holds none."""
    return sorted(pathlib.Path(data_dir).glob(f"*{SUFFIX}"))


def entries(data_dir):
    """Index rows of all shards, each with the `reference` to open it.

    Raises:
        UserError: a shard or index is missing, or they do not belong together.
    """
    paths = shards(data_dir)
    _check_complete(data_dir, paths)
    return [entry for path in paths for entry in _entries_of(path)]


def read(reference):
    """The bytes of a photo: of a file, or of a record by its reference; in a graph.

    Args:
        reference: string scalar, a path or SHARD#OFFSET+LENGTH-REST.
    """
    return tf.cond(
        tf.strings.regex_full_match(reference, _REFERENCE),
        lambda: parse(_example(reference))["image/encoded"],
        lambda: tf.io.read_file(reference),
    )


def _example(reference):
    """One record's Example: all but the bytes before and behind it is skipped unread."""
    path = tf.strings.regex_replace(reference, _REFERENCE, r"\1")
    offset, length, rest = (
        tf.strings.to_number(
            tf.strings.regex_replace(reference, _REFERENCE, rf"\{k}"), tf.int64
        )
        for k in (2, 3, 4)
    )
    one = tf.data.FixedLengthRecordDataset(path, length, header_bytes=offset, footer_bytes=rest)
    return one.get_single_element()


def _index_row(serialized, offset):
    feature = tf.train.Example.FromString(serialized).features.feature
    name, label, split = (
        feature[f"image/{key}"].bytes_list.value[0].decode()
        for key in ("name", "label", "split")
    )
    size = {"offset": offset, "length": len(serialized)}
    return {"name": name, "label": label, "split": split} | size


def _check_complete(data_dir, paths):
    parts = [re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.tfrecord", path.name) for path in paths]
    counts = collections.Counter((part[1], int(part[2])) for part in parts if part)
    for (name, wanted), count in counts.items():
        if count != wanted:
            raise UserError(f"{data_dir} should hold {wanted} shards of {name}, not {count}")


def _entries_of(path):
    size = os.path.getsize(path)
    try:
        rows = files.rows(f"{path}.index", _INDEX)
    except UserError as error:
        raise UserError(f"cannot read {path}.index: write the shards anew ({error})") from error
    for row in rows:
        listing.require_inside(row["name"], f"{path}.index")
    end = max((row["offset"] + row["length"] + _TAIL for row in rows), default=0)
    if end != size or any(min(row["offset"], row["length"]) < 0 for row in rows):
        raise UserError(f"{path} and its index do not belong together: write the shards anew")
    return [row | {"reference": _reference(path, row, size)} for row in rows]


def _reference(path, row, size):
    rest = size - row["offset"] - row["length"]
    return f"{path}#{row['offset']}+{row['length']}-{rest}"
