"""Stable train/val/test splits: 80/10/10 by a hash, never by position.

A photo's split depends on one key alone, so it never changes when photos are
added or removed. The key is the observer where `manifest.jsonl` names one
(bursts by one person would otherwise leak from train to test), else the
content of the file (a renamed photo keeps its split, an exact copy gets the
same one). A manifest row that states a `split` is believed: a materialised
level holds re-encoded pictures whose bytes no longer tell.
"""

import functools
import hashlib
import os
import pathlib

from pipelines import listing
from pipelines.base.errors import UserError

SPLITS = ("train", "val", "test")
_UPPER_BOUNDS = (0.8, 0.9, 1.0)  # cumulative shares of SPLITS


def split_of(key):
    """The split of a key (str or bytes), by the SHA-256 of its bytes."""
    data = key.encode() if isinstance(key, str) else key
    return _split_of_digest(hashlib.sha256(data).digest())


def assign(data_dir, paths):
    """The splits of photos, in the order of `paths`.

    Args:
        data_dir: the photo directory; may hold a `manifest.jsonl`.
        paths: files below `data_dir`, absolute or relative to it.

    Returns:
        A list of "train", "val" or "test", one a path.

    Raises:
        UserError: a photo or the manifest cannot be read.
    """
    root = pathlib.Path(data_dir)
    rows = listing.manifest(root)
    return [_split_of_photo(root, pathlib.Path(path), rows) for path in paths]


def _split_of_photo(root, path, rows):
    path = path if path.is_relative_to(root) else root / path
    row = rows.get(path.relative_to(root).as_posix(), {})
    if row.get("split") in SPLITS:
        return row["split"]
    if row.get("observer_id") is not None:
        return split_of(str(row["observer_id"]))
    try:
        stat = os.stat(path)
        return _split_of_content(str(path), stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


@functools.lru_cache(maxsize=1_000_000)
def _split_of_content(path, size, mtime_ns):
    """Hashes a file once a process; size and time notice a changed file."""
    with open(path, "rb") as file:
        return _split_of_digest(hashlib.file_digest(file, "sha256").digest())


def _split_of_digest(digest):
    share = int.from_bytes(digest[:8], "big") / 2**64
    bounds = zip(SPLITS, _UPPER_BOUNDS, strict=True)
    return next((name for name, bound in bounds if share < bound), SPLITS[-1])
