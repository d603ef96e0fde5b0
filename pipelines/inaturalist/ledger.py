"""What a scrape holds: status, verification against the manifest, credits."""

import collections
import hashlib

from pipelines.base.errors import UserError
from pipelines.inaturalist import limits, plan
from pipelines.inaturalist.classes import TERMS
from pipelines.inaturalist.journal import settings

_LICENCE_PAGES = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "pd": "https://creativecommons.org/publicdomain/mark/1.0/",
} | {
    code: f"https://creativecommons.org/licenses/{code[3:]}/4.0/"
    for code in ("cc-by", "cc-by-sa", "cc-by-nd", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd")
}


def status(journal, options, animals):
    """Text: got against wanted by the last run, species, rejections, failures, requests."""
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
        lines += [f"    {name} {n:,}" for name, n in species.most_common(8)]
    rejected = collections.Counter()
    for pages in journal.pages.values():
        for page in pages:
            rejected.update(page["rejected"])
    failed = collections.Counter(
        row["reason"]
        for row in journal.failures.values()
        if row["photo_id"] not in journal.manifest
    )
    used = limits.Limits(journal.state_dir / "limits.json", options.interval_s)
    lines += [
        f"bytes on disk: {sum(row['bytes'] for row in rows) / 1e6:,.1f} MB",
        f"observations passed over: {_counts(rejected)}",
        f"photos that could not be had: {_counts(failed)}",
        f"last 24 hours: {used.requests():,} of {limits.REQUESTS_A_DAY:,} requests, "
        f"{used.bytes() / 1e9:.2f} of {limits.BYTES_A_DAY / 1e9:.0f} GB",
    ]
    return "\n".join(lines)


def verify(journal):
    """Compares the files with the manifest.

    Returns:
        A list of problems, empty when every row has its file with its bytes and
        SHA-256 and every file has its row.
    """
    if not (journal.out_dir / "manifest.jsonl").exists():
        raise UserError(f"{journal.out_dir} holds no manifest.jsonl: run `scrape run` first")
    problems = []
    paths = {row["path"] for row in journal.manifest.values()}
    for row in journal.manifest.values():
        path = journal.out_dir / row["path"]
        if not path.exists():
            problems.append(f"{row['path']}: missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            problems.append(f"{row['path']}: checksum mismatch")
    for path in sorted(journal.out_dir.glob("*/*")):
        name = path.relative_to(journal.out_dir).as_posix()
        if not name.startswith(".") and name not in paths:
            problems.append(f"{name}: not in the manifest")
    return problems


def write_credits(journal):
    """Writes CREDITS.md: who took what under which licence. Returns its path."""
    rows = sorted(journal.manifest.values(), key=lambda row: row["path"])
    lines = ["# Credits", "", f"{len(rows):,} photographs from iNaturalist. {TERMS}", ""]
    lines += [_credit(row) for row in rows]
    path = journal.out_dir / "CREDITS.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _credit(row):
    observation = row["observation_id"] or row["observation_uuid"]
    who = row["attribution"] or row["observer_name"] or row["observer_login"] or "unknown"
    licence = row["licence"]
    return (
        f"- `{row['path']}` *{row['taxon_name']}*: {who} "
        f"([{licence}]({_LICENCE_PAGES[licence]}), "
        f"[observation](https://www.inaturalist.org/observations/{observation}), "
        f"[photo](https://www.inaturalist.org/photos/{row['photo_id']}))"
    )


def _counts(counter):
    return ", ".join(f"{reason} {n:,}" for reason, n in counter.most_common()) or "none"
