"""Which files below a directory are pictures: one walk for everyone.

A folder is what the person sees. Links are followed, each folder once, so a loop ends; what
is left out (a link that leads nowhere, a pipe, a picture of a format that is not read, a second
way to the same folder) is counted and said. Hidden files and folders are left out, and so is
a folder with a `.nomedia` file in it, unless it is the very folder that was named: whoever
writes pictures marks its folder so (`mark_written`), and outputs never become inputs.
"""

import collections
import dataclasses
import functools
import os
import pathlib
import stat
import sys
from collections.abc import Collection, Iterable

from pipelines.base import files
from pipelines.base.errors import UserError

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp"})
MAX_PIXELS = 100_000_000  # of a photo; what declares more is not decoded
NO_MEDIA = ".nomedia"
# What a person takes for a picture too: said when it is left out.
_PICTURE_LIKE = frozenset(
    ".tif .tiff .heic .heif .hif .avif .jxl .jp2 .j2k .svg .psd .exr .hdr .tga .ppm .pgm .pnm"
    " .ico .dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .raw".split()
)
_SHOWN = 3  # names said for each reason


@dataclasses.dataclass
class Walk:
    """What is below a directory.

    Attributes:
        names: relative names with forward slashes, sorted.
        left_out: reason to relative names.
    """

    names: list[str]
    left_out: dict[str, list[str]]

    @property
    def told(self) -> str:
        """What was left out, in words; "" where nothing was."""
        count = sum(map(len, self.left_out.values()))
        parts = []
        for reason, those in self.left_out.items():
            more = f" and {len(those) - _SHOWN} more" if len(those) > _SHOWN else ""
            parts.append(f"{', '.join(map(printable, those[:_SHOWN]))}{more} ({reason})")
        return f"left out {count}: {'; '.join(parts)}" if parts else ""

    def say(self, root: str | os.PathLike) -> None:
        """One line on stderr about what was left out, once in a process."""
        if self.left_out:
            _say_once(f"{printable(root)}: {self.told}")


def walk(
    root: str | os.PathLike,
    suffixes: Collection[str] = SUFFIXES,
    shut: Iterable[str | os.PathLike] = (),
    marked: bool = False,
) -> Walk:
    """All files below `root` with one of these suffixes.

    Args:
        root: the directory.
        suffixes: in lower case, with the dot.
        shut: directories that are not entered.
        marked: whether folders with a `.nomedia` in them are entered too.
    """
    root = pathlib.Path(root)
    left_out, names = collections.defaultdict(list), []
    shut = {os.path.realpath(path) for path in shut} - {os.path.realpath(root)}
    # Real folders before linked ones: then of two ways to a folder the plain one is taken.
    waiting, links, entered = [(root, "")], [], set()
    while waiting or links:
        folder, name = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(folder)
        if real in shut or real in entered:
            if real in entered:
                left_out["there already by another way"].append(name)
            continue
        entered.add(real)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if not name:
                raise
            left_out[f"cannot be read: {error.strerror}"].append(name)
            continue
        if name and not marked and any(entry.name == NO_MEDIA for entry in entries):
            left_out[f"marked by {NO_MEDIA}"].append(name)
            continue
        for entry in entries:
            inside = f"{name}/{entry.name}" if name else entry.name
            if entry.name.startswith("."):
                continue
            if reason := _add(entry, inside, suffixes, names, waiting, links):
                left_out[reason].append(inside)
    return Walk(sorted(names), {reason: sorted(left_out[reason]) for reason in left_out})


def _add(entry, name, suffixes, names, waiting, links):
    """Puts an entry where it belongs, or gives the reason why it is left out."""
    suffix = os.path.splitext(entry.name)[1].lower()
    try:
        mode = os.stat(entry.path).st_mode
    except OSError:
        linked = suffix in suffixes or not suffix  # what might have been a picture or a folder
        return "a link that leads nowhere" if linked else None
    if stat.S_ISDIR(mode):
        (links if entry.is_symlink() else waiting).append((pathlib.Path(entry.path), name))
    elif suffix in suffixes:
        if not stat.S_ISREG(mode):
            return "a pipe or device"
        if not os.access(entry.path, os.R_OK):
            return "cannot be read: Permission denied"
        names.append(name)
    elif suffix in _PICTURE_LIKE:
        return f"{suffix} is not read here"
    return None


@functools.cache
def _say_once(line):
    print(line, file=sys.stderr)


def printable(path: str | os.PathLike) -> str:
    r"""A name as any terminal or UTF-8 file can show it: bytes that are not UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def names(root: str | os.PathLike) -> list[str]:
    """Photo files below `root`: relative names with forward slashes, sorted.

    What is left out is said on stderr.
    """
    found = photos(root)
    found.say(root)
    return found.names


def photos(root: str | os.PathLike) -> Walk:
    """`walk` for data sets: each photo once, under a name that a manifest can hold.

    A file that is reached by several links counts once. Names that are not UTF-8 are left out:
    neither TensorFlow nor a manifest can hold them.
    """
    found = walk(root)
    by_file, kept = set(), []
    linked = {name for name in found.names if os.path.islink(os.path.join(root, name))}
    for name in sorted(found.names, key=lambda name: (name in linked, name)):
        real = os.path.realpath(os.path.join(root, name))
        if not _is_utf8(name):
            reason = "not UTF-8: rename it"
        elif name in linked and real in by_file:
            reason = "a link to a photo that is there already"
        else:
            kept.append(name)
            by_file.add(real)
            continue
        found.left_out.setdefault(reason, []).append(name)
    found.names = sorted(kept)
    return found


def _is_utf8(name):
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def mark_written(folder: str | os.PathLike) -> pathlib.Path:
    """Makes a folder for pictures that the program writes, which no walk from above enters.

    A folder that holds anything already is left as it is: it may be a person's own.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        (folder / NO_MEDIA).touch()
    return folder


def stays_inside(name):
    """Whether a relative name, such as a manifest's path, stays below its folder."""
    parts = pathlib.PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\0" not in name


def label(name):
    """A photo's class: the folder right below the root, or "" if there is none."""
    return name.split("/")[0] if "/" in name else ""


def manifest(root):
    """What `manifest.jsonl` in a directory says of its photos: {path: row}.

    Raises:
        UserError: a row is damaged, or its path leaves the directory.
    """
    path = pathlib.Path(root) / "manifest.jsonl"
    found = {row["path"]: row for row in files.rows(path, {"path": str})}
    for name in found:
        require_inside(name, path)
    return found


def require_inside(name, where):
    """Raises UserError unless a relative name stays below its folder."""
    if not stays_inside(name):
        raise UserError(f"{where} names {name!r}, which is outside its folder")
