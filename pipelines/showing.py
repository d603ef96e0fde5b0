"""Which photographs of a data set a page may show, and whom to credit for them.

The rule, in this order:

1. Patterns of file names that the person gave (`--show`): these, whatever else is known.
2. A manifest that names licences (`manifest.jsonl` as the scraper writes it, or a
   `MANIFEST.csv` with the columns `file` and `licence`): photographs under a Creative
   Commons licence or in the public domain.
3. A folder without a manifest is the person's own: all of it.
"""

import csv
import fnmatch
import functools
import pathlib
import re

from pipelines import listing

_OPEN = re.compile(
    r"^(cc0|cc[ -]by\b|cc-by-|pd\b|pdm\b|public domain|no known restrictions)", re.IGNORECASE
)


class Showing:
    """The rule for one directory of photographs.

    Args:
        data_dir: the directory; one that is gone has nothing to show but what patterns name.
        patterns: of file names, such as "oxford_*"; empty: the manifest decides.
    """

    def __init__(self, data_dir, patterns=()):
        self.root, self.patterns = pathlib.Path(data_dir), tuple(patterns)

    def allows(self, name: str) -> bool:
        """Whether the photograph with this path below the directory may be shown."""
        if self.patterns:
            own = pathlib.PurePath(name).name
            return any(fnmatch.fnmatchcase(own, pattern) for pattern in self.patterns)
        if not self.root.is_dir():
            return False
        if not self._manifest:
            return True
        licence = (self._manifest.get(name) or {}).get("licence")
        return bool(_OPEN.match(licence or ""))

    def allows_all(self) -> bool:
        """Whether no photograph of the directory is withheld."""
        if self.patterns or not self.root.is_dir():
            return False
        return all(self.allows(name) for name in self._manifest) if self._manifest else True

    def credits(self, names) -> list:
        """Who made the photographs and under which licence, as far as the manifest says."""
        rows = [self._manifest.get(name) or {} for name in names]
        told = (
            row.get("attribution") or row.get("credit") or row.get("licence") for row in rows
        )
        return sorted({text for text in told if text})

    @functools.cached_property
    def _manifest(self):
        """{path: row} of the directory's manifest, or of that of the folder above it.

        Empty where there is none, or none of its rows names a licence.
        """
        own, above = self.root, self.root.resolve().parent
        rows = _read(own) or {
            name.removeprefix(f"{self.root.resolve().name}/"): row
            for name, row in _read(above).items()
            if name.startswith(f"{self.root.resolve().name}/")
        }
        return rows if any(row.get("licence") for row in rows.values()) else {}


def _read(folder):
    table = folder / "MANIFEST.csv"
    if table.is_file():
        with open(table, newline="", encoding="utf-8") as file:
            return {row["file"]: row for row in csv.DictReader(file) if row.get("file")}
    return listing.manifest(folder)
