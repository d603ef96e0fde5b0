"""Sections 1 to 4: totals, balance, licences and credit, observers."""

import collections
import math

from pipelines.exploration import plots
from pipelines.exploration.section import NO_MANIFEST, Section, evenness, gini, quantiles, short


def totals(survey):
    """1. Files, bytes, unreadable files, and what manifest and files do not share."""
    section = Section("Totals")
    paths = {row["path"] for row in survey.rows}
    unreadable = [row["path"] for row in survey.rows if row["error"]]
    changed = [
        r["path"]
        for r, told in survey.described()
        if told.get("sha256", r["sha256"]) != r["sha256"]
    ]
    strange = sorted(paths - survey.manifest.keys()) if survey.manifest else []
    missing = sorted(survey.manifest.keys() - paths)
    section.facts = {
        "files": len(survey.rows),
        "bytes": sum(row["bytes"] for row in survey.rows),
        "unreadable": unreadable,
        "checksum_mismatches": changed,
        "files_without_row": strange,
        "rows_without_file": missing,
    }
    facts = {key: len(v) if isinstance(v, list) else v for key, v in section.facts.items()}
    section.tables.append(
        ("", ["", "count"], [[k.replace("_", " "), f"{v:,}"] for k, v in facts.items()])
    )
    section.problems += [f"{path}: unreadable" for path in unreadable]
    section.problems += [f"{path}: checksum mismatch" for path in changed]
    if not survey.manifest:
        section.text.append(
            "There is no manifest.jsonl: checksums and rows cannot be compared."
        )
    return section


def balance(survey):
    """2. Counts by class and tercile, split, and species."""
    section = Section("Balance")
    counts = collections.Counter(row["class"] for row in survey.good)
    thirds = _cross(survey.good, "class", "tercile")
    by_split = _cross(survey.good, "class", "split")
    section.facts = {
        "classes": dict(sorted(counts.items())),
        "splits": by_split,
        "terciles": thirds,
        "evenness": evenness(counts.values()),
        "largest_over_smallest": short(max(counts.values()) / min(counts.values()))
        if counts
        else None,
        "wanted_of_each": survey.wanted,
    }
    parts = ("train", "val", "test")
    rows = [
        [name, survey.wanted or "-", counts[name], *(by_split[name].get(p, 0) for p in parts)]
        for name in by_split
    ]
    header = ["class", "wanted", "photos", *parts]
    section.tables.append(("photos by class and split", header, rows))
    section.plots.append(("splits of each class", plots.bars(by_split, "photos", parts)))
    if not survey.manifest:
        section.text.append(f"Species: {NO_MANIFEST}")
        return section
    _species(survey, section)
    return section


def licences(survey):
    """3. Licences by class, credit, and what bars commercial use."""
    section = Section("Licence and credit")
    told = [manifest | {"class": row["class"]} for row, manifest in survey.described()]
    if not told:
        section.text.append(NO_MANIFEST)
        return section
    table = _cross(told, "licence", "class")
    uncredited = [row["path"] for row in told if not row.get("attribution")]
    barred = sum("nc" in _parts(row) for row in told)
    fixed = [row["path"] for row in told if "nd" in _parts(row)]
    section.facts = {
        "licences": table,
        "without_attribution": uncredited,
        "non_commercial_share": short(barred / len(told)),
        "no_derivatives": fixed,
    }
    rows = [
        [name, sum(t.values()), *(t.get(c, 0) for c in survey.classes)]
        for name, t in table.items()
    ]
    section.tables.append(("photos by licence", ["licence", "photos", *survey.classes], rows))
    section.text.append(
        f"{barred / len(told):.0%} of the photographs bar commercial use; "
        f"{len(fixed)} bar derivatives; {len(uncredited)} lack credit."
    )
    return section


def observers(survey):
    """4. How photos spread over observers and observations; observers in two splits."""
    section = Section("Observers")
    known = [pair for pair in survey.described() if pair[1].get("observer_id") is not None]
    told = [manifest | {"split": row["split"]} for row, manifest in known]
    if not told:
        section.text.append(NO_MANIFEST)
        return section
    splits_of = collections.defaultdict(set)
    for row in told:
        splits_of[row["observer_id"]].add(row["split"])
    leaks = sorted(str(observer) for observer, found in splits_of.items() if len(found) > 1)
    counts = collections.Counter(row["observer_id"] for row in told)
    seen = collections.Counter(row.get("observation_uuid") for row in told)
    top = sum(n for _, n in counts.most_common(10)) / len(told)
    section.facts = {
        "observers": len(counts),
        "photos_an_observer": quantiles(list(counts.values())),
        "share_of_top_10": short(top),
        "gini": gini(list(counts.values())),
        "photos_an_observation": quantiles(list(seen.values())),
        "observers_in_several_splits": leaks,
    }
    section.problems += [f"observer {name} is in more than one split" for name in leaks]
    section.text.append(
        f"{len(counts):,} observers; the ten busiest took {top:.0%}; "
        f"{len(leaks)} are in more than one split."
    )
    spread = collections.Counter(counts.values())
    section.plots.append(
        ("photos an observer", plots.bars(dict(sorted(spread.items())), "observers"))
    )
    return section


def _species(survey, section):
    species = collections.Counter(
        manifest.get("species_name") or manifest.get("taxon_name") or "unknown"
        for _, manifest in survey.described()
    )
    section.facts["species"] = dict(species.most_common())
    section.facts["species_with_one_photo"] = sum(n == 1 for n in species.values())
    section.facts["species_evenness"] = evenness(species.values())
    rows = [[name, n] for name, n in species.most_common(15)]
    rest = math.fsum(n for _, n in species.most_common()[15:])
    caption = f"the 15 commonest of {len(species)} species; {rest:.0f} photos of the others"
    section.tables.append((caption, ["species", "photos"], rows))


def _cross(rows, first, second):
    """Nested counts: value of `first` -> value of `second` -> rows."""
    table = collections.defaultdict(collections.Counter)
    for row in rows:
        table[row.get(first)][row.get(second)] += 1
    return {str(name): dict(sorted(table[name].items())) for name in sorted(table, key=str)}


def _parts(row):
    return (row.get("licence") or "").split("-")
