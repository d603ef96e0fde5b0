"""Files that a kill cannot spoil and that several processes can share.

- `write` and `replacing`: the whole new file or the old one, never a half.
- `scratch`: temporary names that no other process on any host can have. Only whoever made
  such a name removes it; `sweep` removes what a killed process left behind, once it is old.
- `append`, `rows`, `one`: JSON lines and JSON files. A torn last line, as a kill leaves it, is
  passed over when read and cut off before anything is appended.
- `Lock`: one holder for a directory, on one machine or on shared storage.
"""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import pathlib
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from pipelines.base.errors import UserError

LEFT_BEHIND_S = 24 * 3600  # a scratch name untouched for so long has no owner any more
_BEAT_S, _STALE_S = 10.0, 60.0  # of locks where the file system has none of its own


def scratch(path: str | os.PathLike) -> pathlib.Path:
    """A hidden name beside `path` that no other process, thread or host comes up with.

    Host and pid tell a person whose it is; they are not enough (containers share both), so 64
    random bits make it unique. The file's own name is cut so that the result is a legal name.
    """
    path = pathlib.Path(path)
    start = os.fsencode(path.name)[:40].decode(errors="ignore")
    return path.with_name(f".{start}.{unique()}.tmp")


def unique() -> str:
    """What makes a scratch name one of a kind, also in a bucket: HOST.PID.RANDOM."""
    host = "".join(c for c in socket.gethostname() if c.isalnum())[:16]
    return f"{host}.{os.getpid()}.{secrets.token_hex(8)}"


def sweep(
    folder: str | os.PathLike, pattern: str = ".*.tmp", idle_s: float = LEFT_BEHIND_S
) -> None:
    """Removes scratch files and directories in `folder` that nobody touched for so long.

    A younger one may belong to a process at work, here or on another host. Whoever holds the
    `Lock` that all writers of a folder take may sweep with `idle_s=0`.
    """
    now = time.time()
    for path in pathlib.Path(folder).glob(pattern):
        with contextlib.suppress(OSError):  # its owner may remove or rename it meanwhile
            inside = path.iterdir() if path.is_dir() else ()
            newest = max(p.lstat().st_mtime for p in (path, *inside))
            if now - newest >= idle_s:
                remove(path)


def remove(path: str | os.PathLike) -> None:
    """Removes a file or a directory with all below it; nothing where there is none."""
    path = pathlib.Path(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a scratch name to write a file or a directory to; it becomes `path` at the end.

    Until then, and where the body raises, what was at `path` stays as it was. The bytes are on
    the disk before the name changes, so that a power cut leaves one or the other. A directory
    that stands at `path` is replaced too (moved aside, then removed).
    """
    path = pathlib.Path(path)
    unfinished = scratch(path)
    try:
        yield unfinished
        sync(unfinished)
        if path.is_dir() and not path.is_symlink():
            aside = scratch(path)
            path.rename(aside)
            unfinished.rename(path)
            remove(aside)
        else:
            os.replace(unfinished, path)
        _sync_one(path.parent)
    finally:
        remove(unfinished)


def write(path: str | os.PathLike, content: str | bytes) -> None:
    """Writes a whole file (text as UTF-8), or leaves the old one."""
    content = content.encode() if isinstance(content, str) else content
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def sync(path: str | os.PathLike) -> None:
    """Waits until the disk has a file, or a directory and all below it."""
    path = pathlib.Path(path)
    if path.is_dir():
        for inside in path.rglob("*"):
            _sync_one(inside)
    _sync_one(path)


def _sync_one(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # some network file systems have no fsync of a directory
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def append(path: str | os.PathLike, *new: Mapping) -> None:
    """Adds one JSON line for each row and waits until the disk has them.

    A torn last line, as a killed writer leaves it, is cut off first. The file has one writer at
    a time: hold a `Lock`, or write to a file of your own.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in new)
    with open(path, "ab+") as file:
        cut_torn_line(file)
        file.write(text.encode(errors="surrogatepass"))
        file.flush()
        os.fsync(file.fileno())


def cut_torn_line(file: BinaryIO) -> None:
    """Cuts off what follows the last line end of a file opened for reading and writing."""
    whole = file.seek(0, os.SEEK_END)
    while whole:
        start = max(whole - 65536, 0)
        file.seek(start)
        if cut := file.read(whole - start).rfind(b"\n") + 1:
            whole = start + cut
            break
        whole = start
    file.truncate(whole)


def rows(path: str | os.PathLike, needed: Mapping[str, type] | None = None) -> list[dict]:
    """The objects of a JSON-lines file, one a line; none where the file is missing.

    A torn last line, as a kill leaves it, is passed over.

    Args:
        path: the file.
        needed: {key: type} that every row must have; type `object`: anything.

    Raises:
        UserError: names the line that is no JSON object, or lacks a key.
    """
    if not os.path.exists(path):
        return []
    found = []
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            where = f"{path} line {number}"
            try:
                found.append(checked(json.loads(line), needed or {}, where))
            except UserError:
                raise
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    break
                raise UserError(f"{where} is not JSON: mend or delete it") from error
    return found


def one(path: str | os.PathLike, needed: Mapping[str, type] | None = None) -> dict:
    """The object in a JSON file; UserError where there is no such file or object."""
    with _opened(path) as file:
        try:
            value = json.load(file)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path} is not JSON: mend or delete it") from error
    return checked(value, needed or {}, path)


def checked(value: object, needed: Mapping[str, type], where: str | os.PathLike) -> dict:
    """The value, if it is an object with these keys; UserError says what is missing."""
    if not isinstance(value, dict):
        raise UserError(f"{where} is no JSON object: mend or delete it")
    for key, kind in needed.items():
        if key not in value or not isinstance(value[key], kind):
            raise UserError(f"{where} has no {key!r} as it should be: mend or delete it")
    return value


def _opened(path):
    try:
        return open(path, "rb")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


class Lock:
    """One holder of a directory at a time; a killed holder leaves nothing in the way.

        with files.Lock(run_dir, "training"):
            ...

    The kernel holds the lock (`flock`), so that it ends with the process however that ends;
    pids are never compared, since two containers may have the same. NFS passes such locks on to
    the server. Where a file system has no locks at all, a file with a random name is touched
    every ten seconds, and a holder that was silent for a minute is taken for dead.

    Args:
        folder: the directory; made where it is missing.
        what: what the holder does, in a word ("training"), for the other's message.
        log: takes the one line that is said when a silent holder's place is taken.

    Raises:
        UserError: on entering, where another process holds it: who, and since when.
    """

    def __init__(
        self, folder: str | os.PathLike, what: str, log: Callable[[str], None] = print
    ):
        self._path = pathlib.Path(folder) / f".lock-{what.replace(' ', '-')}"
        self._folder, self._what, self._log = pathlib.Path(folder), what, log
        self._token = secrets.token_hex(8)
        self._file, self._stop, self._thread = None, threading.Event(), None

    def __enter__(self):
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            file = open(self._path, "a+")  # noqa: SIM115, it stays open while held
            try:
                self._take(file)
            except BaseException:
                file.close()
                raise
            # The holder before may have removed the file between opening and locking it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(self._path)):
                    break
            file.close()
        self._file = file
        self._write_holder()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        if self._thread:
            self._thread.join()
        with contextlib.suppress(OSError):  # without kernel locks another may have taken over
            if self._token in self._path.read_text():
                self._path.unlink()
        self._file.close()

    def _take(self, file):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN):
                raise self._held(file) from error
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL):
                raise
            self._take_by_beats(file)

    def _take_by_beats(self, file):
        """The way without kernel locks: whoever's token stays in the file has it."""
        file.seek(0)
        if file.read().strip():
            silent = time.time() - os.fstat(file.fileno()).st_mtime
            if silent < _STALE_S:
                raise self._held(file)
            self._log(f"{self._holder(file)} was silent for {silent:.0f} s: taking its place")
        self._file = file
        self._write_holder()
        time.sleep(2.0)  # another that came at the same moment has written by now
        if self._token not in self._path.read_text():
            raise self._held(file)
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def _beat(self):
        while not self._stop.wait(_BEAT_S):
            with contextlib.suppress(OSError):
                os.utime(self._path)

    def _write_holder(self):
        since = datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": since}
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({**holder, "token": self._token}))
        self._file.flush()

    def _held(self, file):
        return UserError(
            f"{self._folder} is in use: {self._holder(file)}; wait for it, or choose another"
        )

    def _holder(self, file):
        try:
            file.seek(0)
            holder = json.loads(file.read())
            return (
                f"{self._what} by process {holder['pid']} on {holder['host']} "
                f"since {holder['since']}"
            )
        except (ValueError, KeyError, TypeError, OSError):
            return f"{self._what} by another process"
