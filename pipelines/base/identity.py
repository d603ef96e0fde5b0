"""What a result was made of, in keys: equal keys, the same photographs, masks and settings.

A result is kept under the key of everything that decides it, and is taken up again only
under that key. Names play no part: a folder may be moved, copied or spelled otherwise, and
a file that was corrected under its old name has another key.

Content is hashed, not told by size and date. Those who ask decode every one of these files
anyway, which takes about ten times as long as SHA-256 does, and copied data keeps its content
but not its dates. Within a process a file is hashed once, until its `stamp` moves. Where work
begun by another process goes on (`Seen`) the stamp is compared first, so that a million
finished photographs are not read again.
"""

import concurrent.futures
import dataclasses
import errno
import functools
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable

DIGITS = 16  # hexadecimal, 64 bits: a billion different files share a key with chance 0.03


def of(*settings: object) -> str:
    """A short key of anything that JSON can hold; the order within dicts plays no part."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def stamp(path: str | os.PathLike) -> list[int]:
    """[size, time of change, inode] of a file: they move with every write to it.

    The time of change (ctime) cannot be set by hand, as the time of modification is by `cp -p`,
    `rsync -t` and `touch`.

    Raises:
        OSError: there is no such file, or it is none (to open a pipe would wait for ever).
    """
    try:
        found = os.stat(path)
    except ValueError as error:  # a NUL in it: no file is called so
        raise OSError(errno.EINVAL, str(error), os.fspath(path)) from error
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a file", os.fspath(path))
    return [found.st_size, found.st_ctime_ns, found.st_ino]


def content(path: str | os.PathLike, first: int = 0, length: int = -1) -> str:
    """The key of a file's content, or of `length` bytes from byte `first` on.

    Raises:
        OSError: it cannot be read.
    """
    return _hashed(os.fspath(path), *stamp(path), first, length)


@functools.lru_cache(maxsize=1_000_000)
def _hashed(path, size, changed, inode, first, length):
    del size, changed, inode  # they are there to be part of the cache's key
    with open(path, "rb") as file:
        if length < 0:
            return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
        file.seek(first)
        return hashlib.sha256(file.read(length)).hexdigest()[:DIGITS]


def contents(
    paths: Iterable[str | os.PathLike], read: Callable[[str | os.PathLike], str] = content
) -> list[str]:
    """The keys of several files' contents, by `read`; "" for one that cannot be read."""

    def one(path):
        try:
            return read(path)
        except OSError:
            return ""

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(one, paths))


@dataclasses.dataclass(frozen=True)
class Seen:
    """A file as it was when something was made of it.

    Attributes:
        stamp: of `stamp`.
        content: of `content`.
    """

    stamp: list
    content: str

    @classmethod
    def of(cls, path: str | os.PathLike) -> "Seen":
        """The file as it is; the stamp first, so that a change in between is noticed later."""
        return cls(stamp(path), content(path))

    def still(self, path: str | os.PathLike) -> bool:
        """Whether the file at `path` has this content; it is read where its stamp moved."""
        try:
            return stamp(path) == self.stamp or content(path) == self.content
        except OSError:
            return False
