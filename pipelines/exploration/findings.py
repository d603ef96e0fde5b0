"""Sections 9 to 13: duplicates, oddities, levels, time and place, gallery."""

import collections
import random

import numpy as np

from pipelines import complexity, quality
from pipelines.exploration import plots
from pipelines.exploration.section import NO_MANIFEST, Section, quantiles, short, worst
from pipelines.exploration.survey import near_pairs

_FRAME, _WHITE, _FLAT, _TEXT = 0.02, 0.35, 0.5, 0.004


def duplicates(survey):
    """9. Equal bytes and near pairs; any across splits is a leak and a problem."""
    section = Section("Duplicates")
    same = collections.defaultdict(list)
    for row in survey.rows:
        same[row["sha256"]].append(row)
    groups = [[row["path"] for row in group] for group in same.values() if len(group) > 1]
    pairs = near_pairs(survey)
    leaks = [pair for pair in pairs if pair[0]["split"] != pair[1]["split"]]
    section.facts = {
        "exact_groups": groups,
        "near_distance_bits": quality.NEAR,
        "near_pairs": [[a["path"], b["path"], bits] for a, b, bits in pairs],
        "leaks_between_splits": [[a["path"], b["path"], bits] for a, b, bits in leaks],
    }
    section.text.append(
        f"{len(groups)} groups of equal bytes; {len(pairs)} pairs within {quality.NEAR} of 64 "
        f"bits, mirrored ones included."
    )
    section.text.append(f"Across splits: {len(leaks)} pairs. Each is a leak.")
    section.problems += [
        f"{a['path']} ({a['split']}) and {b['path']} ({b['split']}) are near duplicates: a leak"
        for a, b, _ in leaks
    ]
    shown = [
        (row["path"], f"{bits} bits, {row['split']}")
        for *both, bits in pairs[:12]
        for row in both
    ]
    section.galleries.append(("nearest pairs, two by two", shown))
    return section


def oddities(survey):
    """10. Frames, white, flat and captioned pictures."""
    section = Section("Oddities")
    limits = {"frame": _FRAME, "white": _WHITE, "flat": _FLAT, "text": _TEXT}
    said = {
        "frame": "flat border of over 2 % of 256 px on opposite sides",
        "white": "over 35 % white",
        "flat": "over half without any texture",
        "text": "text-like lines over 0.4 % of the picture",
    }
    for name, limit in limits.items():
        found = [row for row in survey.good if row[name] > limit]
        section.facts[name] = [row["path"] for row in sorted(found, key=lambda r: -r[name])]
        section.galleries.append((f"{said[name]}: {len(found)}", worst(found, name, 8)))
    section.tables.append(
        (
            "",
            ["", "limit", "photos"],
            [[said[n], limits[n], len(section.facts[n])] for n in limits],
        )
    )
    return section


def levels(survey):
    """11. The complexity score a class and tercile, and whether terciles are ordered."""
    section = Section("Levels of complexity")
    ordered, rows = True, []
    for label in survey.classes:
        means = []
        for third in complexity.TERCILES:
            chosen = [r for r in survey.good if (r["class"], r["tercile"]) == (label, third)]
            if chosen:
                values = [
                    short(survey.column(name, chosen).mean()) for name in complexity.MEASURES
                ]
                score = survey.column("complexity", chosen)
                rows.append([label, third, len(chosen), short(score.mean()), *values])
                means.append(score.mean())
        ordered = ordered and bool(np.all(np.diff(means) >= 0))
    header = ["class", "tercile", "photos", "score", *complexity.MEASURES]
    section.facts = {
        "ordered": ordered,
        "terciles": [dict(zip(header, r, strict=True)) for r in rows],
    }
    section.tables.append(("means", header, rows))
    section.text.append(
        "The score is the mean rank within the class of spatial information, bytes a pixel at "
        f"JPEG quality 75, and local entropy. Terciles {'rise' if ordered else 'DO NOT rise'}."
    )
    groups = {
        t: survey.column("complexity", [r for r in survey.good if r["tercile"] == t])
        for t in complexity.TERCILES
    }
    section.plots.append(("score", plots.histogram(groups, "mean rank")))
    return section


def time_and_place(survey):
    """12. Years, months, obscured coordinates."""
    section = Section("Time and place")
    told = [manifest for _, manifest in survey.described()]
    if not told:
        section.text.append(NO_MANIFEST)
        return section
    dates = [str(row.get("observed_on") or "") for row in told]
    years = collections.Counter(date[:4] for date in dates if date)
    months = collections.Counter(date[5:7] for date in dates if len(date) >= 7)
    obscured = sum(bool(row.get("obscured")) for row in told)
    section.facts = {
        "years": dict(sorted(years.items())),
        "months": dict(sorted(months.items())),
        "undated": sum(not date for date in dates),
        "obscured_share": short(obscured / len(told)),
    }
    section.text.append(f"{obscured / len(told):.0%} have obscured coordinates.")
    section.plots.append(("year", plots.bars(dict(sorted(years.items())), "photos")))
    section.plots.append(("month", plots.bars(dict(sorted(months.items())), "photos")))
    return section


def gallery(survey):
    """13. A contact sheet of every class and tercile, drawn with a fixed seed."""
    section = Section("Gallery")
    for label in survey.classes:
        for third in complexity.TERCILES:
            chosen = [r for r in survey.good if (r["class"], r["tercile"]) == (label, third)]
            drawn = random.Random(f"{label}/{third}").sample(chosen, min(16, len(chosen)))
            shown = [(row["path"], f"{row['complexity']:.2f}") for row in drawn]
            section.galleries.append((f"{label or 'photographs'}, complexity {third}", shown))
    section.facts = {"complexity": quantiles([row["complexity"] for row in survey.good])}
    return section
