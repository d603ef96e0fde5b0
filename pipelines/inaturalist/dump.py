"""The monthly open-data tables as a source: for those who outgrow the API.

The bucket `inaturalist-open-data` (us-east-1, no sign-in) holds gzipped tables,
tab-separated without quoting, with a header line: `taxa`, `observations`,
`photos` and `observers`, 33 GB together in August 2026. They are streamed:

    taxa            which species lie under the classes' taxa
    observations    how many each species has, and a bounded draw of each
    photos          one accepted photo of each drawn observation
    observers       who took them, for the credits

Memory grows with what is wanted, not with the tables: of each species only the
observations with the smallest hash of their id are kept, so the draw is fair,
stable, and the same on every machine. There is no attribution text and no
"captive" flag in the tables; credit is made of name and licence.

Tables are taken as people have them: with line ends of any system, a byte order
mark, columns in another order or beyond those needed, still packed or not. A
column that is needed and missing is an error; lines that do not fit are passed
over, and their number told.
"""

import collections
import dataclasses
import functools
import gzip
import heapq
import pathlib
import re
import sys
import zlib

from pipelines.base.errors import UserError
from pipelines.cli import progress
from pipelines.inaturalist import plan
from pipelines.inaturalist.plan import CLASSES, Species, variant_size
from pipelines.inaturalist.schema import Page, plain

# The columns that must be there, and those that may be missing.
_TABLES = {
    "taxa": ("taxon_id ancestry rank name active", "rank_level"),
    "observations": ("observation_uuid taxon_id quality_grade", "observed_on"),
    "photos": (
        "photo_id observation_uuid observer_id extension license",
        "width height position",
    ),
    "observers": ("observer_id login", "name"),
}
_IDS = {"taxa": ("taxon_id",), "photos": ("photo_id", "observer_id")}
_TRUE = ("true", "t", "1", "yes", "y")
_HEADROOM = 4  # observations drawn for one photo wanted: licences and sizes drop many
_EXTENSIONS = ("jpg", "jpeg", "png", "gif")
_BELOW = ("subspecies", "variety", "form")
_ID = re.compile(r"[0-9]{1,15}", re.ASCII)


class DumpSource:
    """Reads the tables in `options.dump_dir`.

    Args:
        options: a `ScrapeOptions`.
        licences: accepted photo licences.
        animals: the classes that will be asked for, so that one pass serves all.

    Raises:
        UserError: a table is missing; later, on reading, one that is cut off or damaged.
    """

    drawn = True  # a draw ends where it ends; its supply counts photos of any licence

    def __init__(self, options, licences, animals):
        self._options, self._licences, self._animals = options, licences, animals
        self._tables = {name: _table(options.dump_dir, name) for name in _TABLES}

    def supply(self, animal):
        """The class's species, best supplied first; licences not yet looked at."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0].taxon_id))
        found = [
            dataclasses.replace(one, supply=count)
            for one, count in ranked
            if one.animal == animal
        ]
        return found[: self._options.max_species]

    def page(self, species, _):
        """All drawn candidates of one species, on one page."""
        rows = self._rows[species.taxon_id]
        last_id = rows[-1]["photo_id"] if rows else 0
        return Page(species.taxon_id, rows, {}, last_id, True, species.supply)

    @functools.cached_property
    def _counts(self):
        """`Species` (supply unknown) -> its observations."""
        return collections.Counter(one for one, _ in self._observations(self._species))

    def _observations(self, species):
        """(species, row) of every admitted observation of the species given by taxon id."""
        for row in self._read("observations"):
            one = species.get(row["taxon_id"])
            if one is not None and one.root.admits(row["quality_grade"]):
                yield one, row

    @functools.cached_property
    def _species(self):
        """Taxon id (text, of a species or below it) -> its `Species`, supply unknown."""
        wanted, below, names = {}, {}, {}
        for row in self._read("taxa"):
            lineage = [*row["ancestry"].replace("\\", "/").split("/"), row["taxon_id"]]
            root = self._root(lineage)
            if row["taxon_id"] in self._root_names():
                names[row["taxon_id"]] = row["name"]
            if root is None or row["active"].strip().lower() not in _TRUE:
                continue
            if row["rank"] in ("species", "hybrid"):
                animal, found = root
                taxon_id = int(row["taxon_id"])
                wanted[row["taxon_id"]] = Species(animal, taxon_id, row["name"], None, 0, found)
            elif row["rank"] in _BELOW or 0 < _number(row["rank_level"]) < 10:
                below[row["taxon_id"]] = lineage
        self._check_names(names)
        for taxon_id, lineage in below.items():
            parent = next((wanted[a] for a in reversed(lineage) if a in wanted), None)
            if parent:
                wanted[taxon_id] = parent
        return wanted

    def _root(self, lineage):
        """(class, Root) of a lineage, the first that holds it, or None."""
        for animal in self._animals:
            for root in CLASSES[animal]:
                if str(root.taxon_id) in lineage and str(root.without) not in lineage:
                    return animal, root
        return None

    def _root_names(self):
        roots = [root for animal in self._animals for root in CLASSES[animal]]
        return {str(root.taxon_id): root.name for root in roots}

    def _check_names(self, found):
        for taxon_id, name in self._root_names().items():
            if found.get(taxon_id) != name:
                now = found.get(taxon_id, "gone")
                raise UserError(f"taxon {taxon_id} is {plain(now)} in the tables, not {name}")

    @functools.cached_property
    def _rows(self):
        """Taxon id -> candidate rows of the drawn observations, in order of their hash."""
        drawn = self._drawn_observations()
        photos = {}
        for row in self._read("photos"):
            if row["observation_uuid"] in drawn and self._accepts(row):
                best = photos.get(row["observation_uuid"])
                if best is None or _number(row["position"]) < _number(best["position"]):
                    photos[row["observation_uuid"]] = row
        rows = collections.defaultdict(list)
        people = self._people({row["observer_id"] for row in photos.values()})
        for uuid, (species, observation) in drawn.items():
            if uuid in photos:
                row = _row(species, observation, photos[uuid], people, self._options.size)
                rows[species.taxon_id].append(row)
        return rows

    def _drawn_observations(self):
        """Observation uuid -> (species, row): a bounded draw of each wanted species."""
        shares = {}
        for animal in self._animals:
            shares |= plan.quotas(self.supply(animal), self._options.per_class)
        wanted = {key: one for key, one in self._species.items() if one.taxon_id in shares}
        heaps = collections.defaultdict(list)
        for one, row in self._observations(wanted):
            heap, most = heaps[one], _HEADROOM * (shares[one.taxon_id] + 1)
            uuid = row["observation_uuid"]
            entry = (-zlib.crc32(uuid.encode()), uuid, row["observed_on"], row["quality_grade"])
            (heapq.heappush if len(heap) < most else heapq.heappushpop)(heap, entry)
        return {
            uuid: (one, {"observed_on": date, "quality_grade": grade})
            for one, heap in heaps.items()
            for _, uuid, date, grade in sorted(heap, reverse=True)
        }

    def _accepts(self, photo):
        licensed = photo["license"].lower() in self._licences
        if not licensed or photo["extension"].lower() not in _EXTENSIONS:
            return False
        width, height = int(_number(photo["width"])), int(_number(photo["height"]))
        if not (width and height):
            return True
        return min(variant_size(width, height, self._options.size)) >= self._options.min_side

    def _people(self, wanted):
        found = {}
        for row in self._read("observers"):
            if row["observer_id"] in wanted:
                found[row["observer_id"]] = (row["login"], row["name"])
        return found

    def _read(self, name):
        """The rows of a table as dicts, one at a time; tells how many did not fit."""
        path, odd, first = self._tables[name], 0, 0
        try:
            with _text(path) as file:
                columns, missing = _columns(next(file, ""), name, path)
                ids = _IDS.get(name, ())
                for number, line in enumerate(
                    progress(file, desc=f"{name} read", unit="row"), 2
                ):
                    fields = line.rstrip("\r\n").split("\t")
                    row = dict(zip(columns, fields + missing, strict=False))
                    if len(fields) + len(missing) == len(columns) and all(
                        _ID.fullmatch(row[key]) for key in ids
                    ):
                        yield row
                    else:
                        odd, first = odd + 1, first or number
        except UserError:
            raise
        except (EOFError, OSError, ValueError, zlib.error) as error:
            raise UserError(f"{path} is cut off or damaged ({error}): fetch it anew") from error
        if odd:
            print(
                f"{path}: {odd:,} lines do not fit and were passed over, the first: {first}",
                file=sys.stderr,
            )


def _text(path):
    """A table as lines of text, unpacked where it is packed."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed and path.suffix == ".gz":
        raise ValueError("it is no gzip file")
    return (gzip.open if packed else open)(path, "rt", encoding="utf-8-sig", newline="\n")


def _columns(header, name, path):
    """The columns of a header, then those that may be missing and are; "" for each of these."""
    columns = [
        column.strip().strip('"').lower() for column in header.rstrip("\r\n").split("\t")
    ]
    needed, optional = (names.split() for names in _TABLES[name])
    lacking = [column for column in needed if column not in columns]
    if lacking:
        told = plain(", ".join(columns), 100)
        raise UserError(
            f"{path} has no column {lacking[0]!r} but {told!r}: it must be the table {name} of "
            "the open data, tab-separated with a header line; fetch it anew"
        )
    missing = [column for column in optional if column not in columns]
    return columns + missing, [""] * len(missing)


def _number(text):
    """A number of a table; 0 where it is none."""
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0


def _row(species, observation, photo, people, size):
    login, name = people.get(photo["observer_id"], (None, None))
    licence = photo["license"].lower()
    rights = "no rights reserved" if licence in ("cc0", "pd") else "some rights reserved"
    return {
        "path": f"{species.animal}/{int(photo['photo_id'])}.jpg",
        "photo_id": int(photo["photo_id"]),
        "observation_id": None,
        "observation_uuid": photo["observation_uuid"],
        "class": species.animal,
        "species_id": species.taxon_id,
        "species_name": species.name,
        "taxon_id": species.taxon_id,
        "taxon_name": species.name,
        "taxon_rank": "species",
        "common_name": None,
        "ancestor_ids": None,
        "licence": licence,
        "attribution": f"(c) {name or login}, {rights} ({licence.upper()})",
        "observer_id": int(photo["observer_id"]),
        "observer_login": login,
        "observer_name": name,
        "observed_on": observation["observed_on"],
        "quality_grade": observation["quality_grade"],
        "captive": None,
        "obscured": None,
        "size": size,
        "extension": photo["extension"],
        "original_width": int(_number(photo["width"])) or None,
        "original_height": int(_number(photo["height"])) or None,
    }


def _table(dump_dir, name):
    packed = pathlib.Path(dump_dir) / f"{name}.csv.gz"
    for path in (packed, packed.with_suffix("")):
        if dump_dir and path.is_file():
            return path
    raise UserError(
        f"--dump_dir={dump_dir} holds no {packed.name}: fetch it with "
        f"`aws s3 cp --no-sign-request s3://inaturalist-open-data/{packed.name} DIR`"
    )
