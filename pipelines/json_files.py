"""JSON and JSON-lines files, read with a person's words for what is wrong in them."""

import json
import os
import pathlib

from pipelines import listing
from pipelines.cli import UserError


def rows(path, needed=None):
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
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):
                    break
                raise UserError(f"{where} is not JSON: mend or delete it") from error
    return found


def one(path, needed=None):
    """The object in a JSON file; UserError where there is no such file or object."""
    with _opened(path) as file:
        try:
            return checked(json.load(file), needed or {}, path)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path} is not JSON: mend or delete it") from error


def checked(value, needed, where):
    """The value, if it is an object with these keys; UserError says what is missing."""
    if not isinstance(value, dict):
        raise UserError(f"{where} is no JSON object: mend or delete it")
    for key, kind in needed.items():
        if key not in value or not isinstance(value[key], kind):
            raise UserError(f"{where} has no {key!r} as it should be: mend or delete it")
    return value


def manifest(root):
    """What `manifest.jsonl` in a directory says of its photos: {path: row}.

    Raises:
        UserError: a row is damaged, or its path leaves the directory.
    """
    path = pathlib.Path(root) / "manifest.jsonl"
    found = {row["path"]: row for row in rows(path, {"path": str})}
    for name in found:
        require_inside(name, path)
    return found


def require_inside(name, where):
    """Raises UserError unless a relative name stays below its folder."""
    if not listing.stays_inside(name):
        raise UserError(f"{where} names {name!r}, which is outside its folder")


def _opened(path):
    try:
        return open(path, "rb")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
