"""What a scrape holds: status, what is short and why, verification, repair."""

import collections
import hashlib
import os
from collections.abc import Callable

from pipelines.inaturalist import limits, plan, run, schema
from pipelines.inaturalist.download import GOOD
from pipelines.inaturalist.journal import Journal, iso, settings
from pipelines.inaturalist.limits import moment
from pipelines.inaturalist.plan import CLASSES
from pipelines.inaturalist.schema import plain

_SHOWN = 8


def status(journal: Journal, options, animals: list[str]) -> str:
    """Text: what was got and wanted by the last run, what failed, limits, what it waits for."""
    each = settings(journal.out_dir).get("per_class", options.per_class)
    rows = list(journal.manifest.values())
    counts = collections.Counter(row["class"] for row in rows)
    lines = [f"{'class':10}{'photos':>8}{'wanted':>8}{'species':>9}{'a species':>12}"]
    for animal in animals:
        species = collections.Counter(r["species_name"] for r in rows if r["class"] == animal)
        supply = journal.supply.get(animal)
        wanted = sum(plan.quotas(supply, each).values()) if supply else "?"
        spread = f"{min(species.values())}..{max(species.values())}" if species else "-"
        lines.append(f"{animal:10}{counts[animal]:8,}{wanted:>8}{len(species):9}{spread:>12}")
        lines += [f"    {plain(name, 60)} {n:,}" for name, n in species.most_common(_SHOWN)]
    pages = [page for some in journal.pages.values() for page in some]
    failed = collections.Counter(
        row["reason"]
        for row in journal.failures.values()
        if row["photo_id"] not in journal.manifest
    )
    used = limits.Limits(journal.state_dir / "limits.json", options.interval_s)
    lines += [
        f"bytes on disk: {sum(row['bytes'] for row in rows) / 1e6:,.1f} MB",
        f"observations passed over: {_counts(_rejected(pages))}",
        *_odd(pages),
        f"photos that could not be had: {_counts(failed)}",
        f"last 24 hours: {used.requests():,} of {limits.REQUESTS_A_DAY:,} requests, "
        f"{used.bytes() / 1e9:.2f} of {limits.BYTES_A_DAY / 1e9:.0f} GB",
    ]
    waiting = journal.waiting()
    if waiting:
        lines.append(f"waits for {plain(waiting.why)} until {moment(waiting.until)}")
    return "\n".join(lines)


def shortfall(
    selection: "run.Selection | None", journal: Journal, options, animals: list[str]
) -> tuple[str, bool]:
    """What was asked and got of each class and species, and why something is short.

    Args:
        selection: that of the run that ended; None: it was stopped.
        journal: what there is now.
        options: a `ScrapeOptions`.
        animals: the classes.

    Returns:
        The table, and whether a class has fewer photos than asked.
    """
    lines = [f"{'asked':>8}{'got':>8}  class or species"]
    short = False
    for animal in animals:
        supply = journal.supply.get(animal, [])
        rows = [row for row in journal.manifest.values() if row["class"] == animal]
        got = collections.Counter(row["species_id"] for row in rows)
        stated = sum(one.supply for one in supply)
        why = ""
        if len(rows) < options.per_class:
            short = True
            why = f": short, the source states {stated:,} observations"
        lines.append(f"{options.per_class:8,}{len(rows):8,}  {animal}{why}")
        shares = plan.quotas(supply, options.per_class)
        full = [one for one in supply if got[one.taxon_id] >= shares[one.taxon_id]]
        shown = full[:_SHOWN]
        for one in supply:
            asked, count = shares[one.taxon_id], got[one.taxon_id]
            if count < asked or one in shown:
                why = f": {_why(one, selection, journal)}" if count < asked else ""
                lines.append(f"{asked:8,}{count:8,}    {plain(one.name, 60)}{why}")
        if len(full) > len(shown):
            lines.append(f"{'':16}    and {len(full) - len(shown)} more species, none short")
    return "\n".join(lines), short


def _why(species, selection, journal):
    pages = journal.pages.get(species.taxon_id, [])
    seen = sum(page.seen for page in pages)
    ours = {row["photo_id"] for page in pages for row in page.rows} - set(journal.manifest)
    failed = collections.Counter(
        journal.failures[number]["reason"] for number in ours if number in journal.failures
    )
    parts = [f"{seen:,} of {species.supply:,} stated observations were looked at"]
    queue = selection and selection.queues[species.taxon_id]
    if queue is None:
        parts.append("the run was stopped")
    elif queue.spent:
        parts.append("the source has no more")
    if rejected := _rejected(pages):
        parts.append(f"passed over: {_counts(rejected)}")
    if failed:
        parts.append(f"could not be had: {_counts(failed)}")
    if queue and queue.capped:
        parts.append(f"beyond --per_observer: {queue.capped:,}")
    return "; ".join(parts)


def verify(journal: Journal) -> list[str]:
    """Compares files and credits with the manifest.

    Returns:
        A list of problems, empty when every row has its file with its bytes and SHA-256 and a
        line in CREDITS.md, and every file of a class folder has one row.
    """
    problems = []
    if journal.repeated:
        problems.append(f"manifest.jsonl: {journal.repeated} rows repeat a photo")
    for row in _second_rows(journal):
        problems.append(
            f"manifest.jsonl: photo {row['photo_id']} has the path {row['path']} too"
        )
    for row in journal.manifest.values():
        problems += [f"{row['path']}: {wrong}" for wrong in [_wrong(journal, row)] if wrong]
    problems += [f"{name}: not in the manifest" for name in _strays(journal)]
    path = journal.out_dir / "CREDITS.md"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    credited = {line.split("`")[1] for line in text.splitlines() if line.startswith("- `")}
    missing = {plain(row["path"]) for row in journal.manifest.values()} - credited
    problems += [f"{name}: not in CREDITS.md" for name in sorted(missing)]
    return problems


def repair(tools: "run.Tools", connections: int, say: Callable[[str], None]) -> None:
    """Makes files, manifest and credits agree again.

    Rows that repeat a photo or a path are dropped. What is missing or damaged is fetched again
    from where it came from. A file without a row is adopted where the journal knows its photo,
    and otherwise moved to `.scrape/removed`; damaged files go there too. `say` hears of each.

    Raises:
        UserError: a limit, or the service, stopped it; what was done until then lies on disk.
    """
    journal = tools.journal
    if journal.repeated:
        say(f"dropped {journal.repeated} repeated rows")
    for row in _second_rows(journal):
        journal.set_aside(row["photo_id"])
        say(f"{row['path']}: dropped the row of photo {row['photo_id']}")
    wanted = []
    for row in list(journal.manifest.values()):
        if wrong := _wrong(journal, row):
            place = journal.remove_file(row["path"])
            say(f"{row['path']}: {wrong}{f', moved to {place}' if place else ''}")
            wanted.append(row)
    _adopt(tools, say)
    listed = _Listed(wanted, say)
    run.fetch(tools, listed, connections, total=len(wanted))
    for row in wanted:
        if row["photo_id"] in listed.kept:
            say(f"{row['path']}: fetched again")
        elif (failure := journal.failures.get(row["photo_id"])) and not failure["may_pass"]:
            journal.set_aside(row["photo_id"])
            say(f"{row['path']}: {failure['reason']}, its row dropped")
        else:
            say(f"{row['path']}: could not be fetched, repair again on another day")
    journal.compact()


class _Listed:
    """A selection of given rows: what `run.fetch` asks for candidates."""

    def __init__(self, rows, say):
        self.kept, self._rows = set(), collections.deque()
        for row in rows:
            try:
                schema.fit(row, schema.Candidate)
                self._rows.append(row)
            except schema.Unfit as error:
                say(f"{plain(row['path'])}: its row does not say where it came from: {error}")

    def next(self):
        return self._rows.popleft() if self._rows else None

    def land(self, row, kept):
        if kept:
            self.kept.add(row["photo_id"])

    def put_back(self, row):
        self._rows.append(row)


def _adopt(tools, say):
    """Gives files without a row one, or moves them away."""
    journal = tools.journal
    known = {
        row["path"]: row for some in journal.pages.values() for p in some for row in p.rows
    }
    for name in _strays(journal):
        row, path = known.get(name), journal.out_dir / name
        outcome = None
        if row and path.is_file() and row["photo_id"] not in journal.manifest:
            outcome = tools.downloader.examine(row, path.read_bytes(), None)
        if outcome and outcome.kind == GOOD:
            facts = {"url": tools.downloader.url(row), **outcome.facts}
            facts["fetched_at"] = iso(path.stat().st_mtime)
            journal.add_photo(row | facts)
            say(f"{name}: adopted, the journal knows it")
        else:
            say(f"{name}: not in the manifest, moved to {journal.remove_file(name)}")


def _wrong(journal, row):
    """What is wrong with the file of a row, or ""."""
    path = journal.out_dir / row["path"]
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return "" if digest == row["sha256"] else "checksum mismatch"


def _second_rows(journal):
    """Rows whose path another row has too; the photo that the path is called by keeps it."""
    paths = collections.defaultdict(list)
    for row in journal.manifest.values():
        paths[row["path"]].append(row)
    found = []
    for path, rows in paths.items():
        if len(rows) > 1:
            rows.sort(key=lambda row: path.endswith(f"/{row['photo_id']}.jpg"))
            found += rows[:-1]
    return found


def _strays(journal):
    """Files of the class folders that no row names; hidden ones are nobody's business."""
    paths = {row["path"] for row in journal.manifest.values()}
    folders = set(CLASSES) | {path.split("/")[0] for path in paths if "/" in path}
    found = []
    for folder in sorted(folders):
        for base, below, names in os.walk(journal.out_dir / folder):
            below[:] = sorted(name for name in below if not name.startswith("."))
            start = os.path.relpath(base, journal.out_dir)
            found += [f"{start}/{name}" for name in sorted(names) if not name.startswith(".")]
    return [name for name in found if name not in paths]


def _rejected(pages):
    return sum((collections.Counter(page.rejected) for page in pages), collections.Counter())


def _odd(pages):
    """A few of the observations that did not fit, each with its id."""
    found = [line for page in pages for line in page.odd]
    more = [f"    and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [f"    {plain(line)}" for line in found[:_SHOWN]] + more


def _counts(counter):
    return ", ".join(f"{plain(name, 80)} {n:,}" for name, n in counter.most_common()) or "none"
