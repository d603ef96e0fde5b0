"""What was asked and what came, appended to disk before it is acted on.

    OUT/manifest.jsonl          one line a photo
    OUT/failures.jsonl          one line a photo that could not be had, with the reason
    OUT/CREDITS.md              one line a photo
    OUT/.scrape/journal.jsonl   supply of each class, candidates of each page
    OUT/.scrape/settings.json   the photos wanted, and what must not change between runs
    OUT/.scrape/limits.json     requests and bytes of the last day
    OUT/.scrape/waiting.json    what the run waits for, while it waits
    OUT/.scrape/parts/          downloads under way
    OUT/.scrape/removed/        what `repair` took out of the class folders

The lists are only appended to, a line at a time and synced, so a kill at any moment leaves at
worst one torn last line, which is cut off. Of two rows of one photo the later counts; a run
that replaced rows writes the manifest anew, whole, when it ends.
"""

import contextlib
import datetime
import itertools
import json
import os
import pathlib
from collections.abc import Iterator

import msgspec

from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import credits, plan, schema
from pipelines.inaturalist.plan import CLASSES, Species

_PINNED = ("source", "licences", "size", "min_side", "max_species")
_ANOTHER_DAY_S = 6 * 3600  # a refusal at 23:59 and one at 00:01 are one refusal


def settings(out_dir: str | os.PathLike) -> dict:
    """The settings of a directory's last scrape; empty where there was none."""
    path = pathlib.Path(out_dir) / ".scrape" / "settings.json"
    if not path.exists():
        return {}
    return msgspec.to_builtins(schema.checked_file(path, schema.Settings))


class Journal:
    """The state of one scrape, read from disk and kept there.

    Attributes:
        manifest: photo id -> manifest row.
        failures: photo id -> failure row (the last one).
        supply: class -> list of `Species`.
        pages: taxon id -> list of `schema.Page`.
        repeated: how many lines of the manifest another one overrides.
    """

    def __init__(self, out_dir: str | os.PathLike):
        self.out_dir = pathlib.Path(out_dir)
        if not self.out_dir.is_dir():
            raise UserError(f"there is no directory {out_dir}: `scrape run` makes it")
        self.state_dir = self.out_dir / ".scrape"
        self.parts_dir = self.state_dir / "parts"
        lines = schema.checked_rows(self.out_dir / "manifest.jsonl", schema.Kept)
        self.manifest = _by_id(lines)
        self.repeated = len(lines) - len(self.manifest)
        self._rewrite = self.repeated > 0
        self.failures = _by_id(
            schema.checked_rows(self.out_dir / "failures.jsonl", schema.Failure)
        )
        self.supply, self.pages = {}, {}
        path = self.state_dir / "journal.jsonl"
        for number, entry in enumerate(files.rows(path), 1):
            try:
                self._take(schema.fit(entry, schema.Supply | schema.Page))
            except (schema.Unfit, KeyError) as error:
                raise UserError(
                    f"{path} line {number} is damaged ({error}): delete the file, it is asked "
                    "anew"
                ) from error

    @classmethod
    @contextlib.contextmanager
    def open(cls, out_dir: str | os.PathLike, options=None) -> Iterator["Journal"]:
        """A journal to write to, alone.

        Args:
            out_dir: the directory; made where it is missing.
            options: a `ScrapeOptions` that must agree with the scrape begun there; None: any.

        Raises:
            UserError: another run is at work there, or it was begun with other settings.
        """
        root = pathlib.Path(out_dir)
        with files.Lock(root, "scraping"):
            (root / ".scrape").mkdir(exist_ok=True)
            if options is not None:
                _pin(root, options)
            opened = cls(root)
            opened.sweep()
            opened.parts_dir.mkdir()
            try:
                yield opened
            finally:
                opened.sweep()

    def sweep(self) -> None:
        """Removes what a killed run left: downloads under way, old scratch files, its wait."""
        for folder in (self.out_dir, self.state_dir):
            files.sweep(folder, idle_s=0)  # the lock is held: nobody else writes here
        files.remove(self.parts_dir)
        files.remove(self.state_dir / "waiting.json")

    def add_supply(self, animal: str, species: list[Species]) -> None:
        """Records what the source states for a class; not that there is nothing."""
        rows = [_plain(s) for s in species]
        if rows:
            self._write(schema.Supply(animal, rows))
        self.supply[animal] = species

    def add_page(self, page: schema.Page) -> None:
        """Records a page of candidates before any is downloaded."""
        self._write(page)

    def add_photo(self, row: dict) -> None:
        """Records a photo that lies under its final name; its credit first."""
        with open(self.out_dir / "CREDITS.md", "a", encoding="utf-8") as file:
            file.write(credits.line(row) + "\n")
        files.append(self.out_dir / "manifest.jsonl", row)
        self._rewrite |= row["photo_id"] in self.manifest
        self.manifest[row["photo_id"]] = row

    def add_failure(self, row: dict, url: str, reason: str, own: bool, now: float) -> None:
        """Records a photo that could not be had while the service was well.

        Args:
            row: its candidate row.
            url: where it was asked for.
            reason: what came.
            own: whether that is evidence against this photo alone. Other failures are lasting
                where the photo failed on an earlier day already.
            now: seconds since the epoch.
        """
        before = self.failures.get(row["photo_id"])
        lasting = own or (before is not None and _another_day(before.get("time"), now))
        kept = {key: row.get(key) for key in ("photo_id", "observation_uuid", "class")}
        kept |= {"species_name": row["species_name"], "url": url, "reason": reason}
        failure = kept | {"may_pass": not lasting, "time": iso(now)}
        files.append(self.out_dir / "failures.jsonl", failure)
        self.failures[row["photo_id"]] = failure

    def settled(self, photo_id: int) -> bool:
        """Whether a photo is there or is known not to be had."""
        failure = self.failures.get(photo_id)
        return photo_id in self.manifest or (failure is not None and not failure["may_pass"])

    def set_aside(self, photo_id: int) -> dict:
        """Takes a row out of the manifest; on disk at the next `compact`."""
        self._rewrite = True
        return self.manifest.pop(photo_id)

    def remove_file(self, path: str) -> str:
        """Moves a file out of the set; returns where to, below the directory, or "" if none."""
        if not os.path.lexists(self.out_dir / path):
            return ""
        for number in itertools.count():
            aside = self.state_dir / "removed" / (f"{path}.{number}" if number else path)
            if not os.path.lexists(aside):
                break
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.out_dir / path, aside)
        return aside.relative_to(self.out_dir).as_posix()

    def lost(self) -> list[int]:
        """Photos whose file is missing or has another length; no file is read."""
        found = []
        for photo_id, row in self.manifest.items():
            try:
                whole = (self.out_dir / row["path"]).stat().st_size == row["bytes"]
            except OSError:
                whole = False
            if not whole:
                found.append(photo_id)
        return found

    def compact(self) -> None:
        """Writes the manifest anew if rows were replaced or taken out, and the credits."""
        if self._rewrite:
            lines = [json.dumps(row, ensure_ascii=False) for row in self.manifest.values()]
            text = "".join(line + "\n" for line in lines)
            path = self.out_dir / "manifest.jsonl"
            files.write(path, text.encode(errors="surrogatepass"))
            self._rewrite = False
        files.write(self.out_dir / "CREDITS.md", credits.page(self.manifest.values()))

    def waits(self, why: str | None, until: float) -> None:
        """Writes down what the run waits for and until when; None: it goes on."""
        path = self.state_dir / "waiting.json"
        with contextlib.suppress(OSError):  # only for `status`: a full disk is told elsewhere
            if why is None:
                path.unlink(missing_ok=True)
            else:
                files.write(path, msgspec.json.encode(schema.Waiting(why, until)))

    def waiting(self) -> schema.Waiting | None:
        """What a run waits for now, if any does."""
        path = self.state_dir / "waiting.json"
        try:
            return schema.checked_file(path, schema.Waiting)
        except UserError:
            if path.exists():
                raise
            return None  # it goes on

    def _write(self, entry):
        files.append(self.state_dir / "journal.jsonl", msgspec.to_builtins(entry))
        self._take(entry)

    def _take(self, entry):
        if isinstance(entry, schema.Supply):
            self.supply[entry.animal] = [_species(row) for row in entry.species]
        else:
            self.pages.setdefault(entry.taxon_id, []).append(entry)


def iso(seconds: float) -> str:
    """A time of the clock as the files state it: 2026-11-26T21:05:07+00:00."""
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return when.isoformat(timespec="seconds")


def _another_day(told, now):
    """Whether a failure's time lies on an earlier day than `now`."""
    try:
        then = datetime.datetime.fromisoformat(told or "").timestamp()
    except (ValueError, OverflowError):
        return False
    return now - then >= _ANOTHER_DAY_S and iso(then)[:10] != iso(now)[:10]


def _by_id(rows):
    return {row["photo_id"]: row for row in rows}


def _plain(one):
    return schema.SpeciesRow(
        one.animal, one.taxon_id, one.name, one.supply, one.root.taxon_id, one.common_name
    )


def _species(row):
    root = {root.taxon_id: root for root in CLASSES[row.animal]}[row.root]
    return Species(row.animal, row.taxon_id, row.name, row.common_name, row.supply, root)


def _pin(root, options):
    """A directory keeps the settings it was begun with; how many are wanted may change.

    The tables' draw follows how many are wanted: for another number it is made anew, which
    asks for nothing over the line.
    """
    current = {name: getattr(options, name) for name in (*_PINNED, "per_class")}
    begun = settings(root) or current
    for name in _PINNED:
        if _meaning(name, begun[name]) != _meaning(name, current[name]):
            raise UserError(
                f"{root} was begun with --{name}={begun[name]}, not {current[name]}: "
                "keep it, or choose another --out_dir"
            )
    if current["source"] == "dump" and begun["per_class"] != current["per_class"]:
        (root / ".scrape" / "journal.jsonl").unlink(missing_ok=True)
    files.write(root / ".scrape" / "settings.json", msgspec.json.encode(current))


def _meaning(name, value):
    """The same licences in another order are the same."""
    return set(plan.parse_licences(value)) if name == "licences" else value
