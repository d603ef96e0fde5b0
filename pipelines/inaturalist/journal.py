"""What was asked and what came, appended to disk before it is acted on.

    OUT/manifest.jsonl          one line a photo
    OUT/failures.jsonl          one line a photo that could not be had, with the reason
    OUT/.scrape/journal.jsonl   supply of each class, candidates of each page
    OUT/.scrape/settings.json   the photos wanted, and what must not change between runs
    OUT/.scrape/limits.json     requests and bytes of the last day
    OUT/.scrape/parts/          downloads under way

Every file is only appended to, a line at a time and synced, so a kill at any
moment leaves at worst one torn last line, which is cut off on opening.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import shutil

from pipelines import listing
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist.classes import CLASSES, Species

_PHOTO = {"photo_id": int, "path": str, "class": str, "species_id": int, "species_name": str}
_PHOTO |= {"observer_id": object, "bytes": int, "sha256": str, "licence": str}
_FAILURE = {"photo_id": int, "reason": str, "may_pass": bool}
_PINNED = ("source", "licences", "size", "min_side", "max_species")


def append(path, row):
    """Adds one JSON line and waits until the disk has it."""
    with open(path, "ab") as file:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def settings(out_dir):
    """The settings of a directory's last scrape; empty where there was none."""
    path = pathlib.Path(out_dir) / ".scrape" / "settings.json"
    needed = dict.fromkeys(_PINNED, object) | {"per_class": int}
    return files.one(path, needed) if path.exists() else {}


class Journal:
    """The state of one scrape, read from disk and kept there.

    Attributes:
        manifest: photo id -> manifest row.
        failures: photo id -> failure row (the last one).
        supply: class -> list of `Species`.
        pages: taxon id -> list of pages (dicts of rows, rejected, last_id, exhausted).
    """

    def __init__(self, out_dir):
        self.out_dir = pathlib.Path(out_dir)
        if not self.out_dir.is_dir():
            raise UserError(f"there is no directory {out_dir}: `scrape run` makes it")
        self.state_dir = self.out_dir / ".scrape"
        self.manifest = _by_id(self.out_dir / "manifest.jsonl", _PHOTO)
        for row in self.manifest.values():
            listing.require_inside(row["path"], self.out_dir / "manifest.jsonl")
        self.failures = _by_id(self.out_dir / "failures.jsonl", _FAILURE)
        self.supply, self.pages = {}, {}
        path = self.state_dir / "journal.jsonl"
        for entry in files.rows(path, {"kind": str}):
            try:
                self._take(entry)
            except (KeyError, TypeError) as error:
                raise UserError(f"{path} is damaged: delete it, it is asked anew") from error

    @classmethod
    @contextlib.contextmanager
    def open(cls, out_dir, options):
        """A journal to write to, alone; UserError where another run or setting is at work."""
        root = pathlib.Path(out_dir)
        state = root / ".scrape"
        state.mkdir(parents=True, exist_ok=True)
        with open(state / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(f"another scrape is at work in {root}: wait for it") from error
            _pin(root, options)
            shutil.rmtree(state / "parts", ignore_errors=True)
            (state / "parts").mkdir()
            names = (root / "manifest.jsonl", root / "failures.jsonl", state / "journal.jsonl")
            for path in names:
                _cut_torn_line(path)
            yield cls(root)

    def add_supply(self, animal, species):
        """Records what the source states for a class."""
        rows = [_plain(s) for s in species]
        self._write({"kind": "supply", "class": animal, "species": rows})

    def add_page(self, species, page):
        """Records a page of candidates before any is downloaded."""
        entry = {"kind": "page", "taxon_id": species.taxon_id, **dataclasses.asdict(page)}
        self._write(entry)

    def add_photo(self, row):
        """Records a photo that lies under its final name."""
        append(self.out_dir / "manifest.jsonl", row)
        self.manifest[row["photo_id"]] = row

    def add_failure(self, row):
        """Records a photo that could not be had."""
        append(self.out_dir / "failures.jsonl", row)
        self.failures[row["photo_id"]] = row

    def settled(self, photo_id):
        """Whether a photo is there or is known not to be had."""
        failure = self.failures.get(photo_id)
        return photo_id in self.manifest or (failure is not None and not failure["may_pass"])

    def _write(self, entry):
        append(self.state_dir / "journal.jsonl", entry)
        self._take(entry)

    def _take(self, entry):
        if entry["kind"] == "supply":
            species = [_species(entry["class"], row) for row in entry["species"]]
            self.supply[entry["class"]] = species
        else:
            self.pages.setdefault(entry["taxon_id"], []).append(entry)


def _by_id(path, needed):
    return {row["photo_id"]: row for row in files.rows(path, needed)}


def _plain(species):
    row = dataclasses.asdict(species)
    return row | {"root": species.root.taxon_id}


def _species(animal, row):
    roots = {root.taxon_id: root for root in CLASSES[animal]}
    return Species(**row | {"root": roots[row["root"]]})


def _cut_torn_line(path):
    if path.exists():
        with open(path, "rb+") as file:
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)


def _pin(root, options):
    """A directory keeps the settings it was begun with; how many are wanted may change.

    The tables' draw follows how many are wanted: for another number it is made anew, which
    asks for nothing over the line.
    """
    current = {name: getattr(options, name) for name in (*_PINNED, "per_class")}
    begun = settings(root) or current
    for name in _PINNED:
        if begun[name] != current[name]:
            raise UserError(
                f"{root} was begun with --{name}={begun[name]}, not {current[name]}: "
                "keep it, or choose another --out_dir"
            )
    if current["source"] == "dump" and begun["per_class"] != current["per_class"]:
        (root / ".scrape" / "journal.jsonl").unlink(missing_ok=True)
    path = root / ".scrape" / "settings.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(current))
    os.replace(temporary, path)
