"""Explores a directory of photographs: what is in it, and what is wrong with it.

    python -m pipelines.explore --data_dir=data/inat --out_dir=out/report

Writes report.html (pictures and plots), report.json and photos.csv. Ends with a
non-zero exit code on unreadable files, checksum mismatches, or a leak between
splits. Same photographs, same report, byte for byte.
"""

import csv
import json
import pathlib

from pipelines import cli
from pipelines.exploration import findings, inventory, page, pictures, survey
from pipelines.options import ExploreOptions

SECTIONS = (
    inventory.totals,
    inventory.balance,
    inventory.licences,
    inventory.observers,
    pictures.geometry,
    pictures.colour,
    pictures.sharpness,
    pictures.compression,
    findings.duplicates,
    findings.oddities,
    findings.levels,
    findings.time_and_place,
    findings.gallery,
)


def main(_):
    """Writes the three files; 1 when there are problems."""
    options = cli.read(ExploreOptions)
    if not options.data_dir or not options.out_dir:
        raise cli.UserError("--data_dir and --out_dir are required")
    taken = survey.take(options.data_dir)
    sections = [section(taken) for section in SECTIONS]
    out_dir = pathlib.Path(options.out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "report.html").write_text(page.render(taken, sections), encoding="utf-8")
    facts = {f"{n} {section.title}": section.facts for n, section in enumerate(sections, 1)}
    problems = [problem for section in sections for problem in section.problems]
    text = json.dumps(facts | {"problems": problems}, indent=1, ensure_ascii=False)
    (out_dir / "report.json").write_text(text + "\n", encoding="utf-8")
    _write_csv(out_dir / "photos.csv", taken.rows)
    for problem in problems:
        print(problem)
    print(f"{len(taken.rows):,} photographs, {len(problems)} problems")
    print(f"wrote {out_dir}/report.html, report.json and photos.csv")
    return 1 if problems else 0


def _write_csv(path, rows):
    columns = dict.fromkeys(name for row in rows for name in row)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows({k: _cell(k, v) for k, v in row.items()} for row in rows)


def _cell(name, value):
    if name.startswith("phash"):
        return f"{value:016x}"
    return f"{value:.6g}" if isinstance(value, float) else value


if __name__ == "__main__":
    cli.run(main, ExploreOptions)
