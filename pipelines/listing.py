"""Which files below a directory are photos: one rule for everyone.

Hidden files and folders are none of them, and neither is a folder with a
`.nomedia` file in it (masks beside the photos, for one).
"""

import os
import pathlib

from pipelines.base import files
from pipelines.base.errors import UserError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"})
MAX_PIXELS = 100_000_000  # of a photo; what declares more is not decoded


def names(root):
    """Photo files below `root`: relative names with forward slashes, sorted.

    Raises:
        UserError: a name is not UTF-8, so that neither TensorFlow nor a manifest can hold it.
    """
    found = []
    for folder, folders, inside in os.walk(root):
        if ".nomedia" in inside:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = pathlib.Path(folder).relative_to(root)
        found += [(base / name).as_posix() for name in inside if is_photo(name)]
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{root}: the name {name!r} is not UTF-8: rename it") from error
    return sorted(found)


def is_photo(name):
    """Whether a file's name is a photo's."""
    suffix = os.path.splitext(name)[1].lower()
    return suffix in SUFFIXES and not name.startswith(".")


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
