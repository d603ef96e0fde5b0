"""What to take: the taxa behind each class, shares of the species, and what that costs.

Pets are "captive" and therefore of *casual* grade: asking for research grade would drop nearly
all of them, so domestic cats and dogs are asked in every grade but with an identification.
Their wild relatives and birds are asked in research grade.
"""

import dataclasses
import math

from pipelines.base.errors import UserError
from pipelines.inaturalist import limits
from pipelines.inaturalist.client import check_address
from pipelines.inaturalist.schema import plain

# Mean bytes of a picture: estimates (20,000 `medium` are 1.5 to 2.5 GB).
_MEAN_BYTES = {"small": 30e3, "medium": 100e3, "large": 325e3, "original": 1000e3}
LONG_SIDE = {"small": 240, "medium": 500, "large": 1024, "original": 2048}
PER_PAGE = {"v1": 50, "v2": 200}  # one v1 observation is 59 to 161 kB of JSON
TOO_SMALL = "too small"
_SHOWN = 8

TERMS = (
    "iNaturalist's terms forbid training for commercial purposes on data taken through "
    "its site or API, whatever a photo's licence; for bulk take the open-data tables "
    "(--source=dump). Credit every photo: CREDITS.md is written for that."
)
LICENCES = ("cc0", "cc-by", "cc-by-sa", "cc-by-nd", "cc-by-nc", "cc-by-nc-sa", "cc-by-nc-nd")


@dataclasses.dataclass(frozen=True)
class Root:
    """A taxon whose species belong to a class, and the filter they share."""

    taxon_id: int
    name: str
    pets: bool = False
    without: int | None = None

    def filters(self):
        """The API's parameters beside the taxon."""
        if self.pets:
            return {"quality_grade": "casual,needs_id,research", "identified": "true"}
        extra = {"without_taxon_id": self.without} if self.without else {}
        return {"quality_grade": "research"} | extra

    def admits(self, grade):
        """Whether an observation of that grade may be used."""
        return self.pets or grade == "research"


CLASSES = {
    "cats": (
        Root(118552, "Felis catus", pets=True),
        Root(41944, "Felidae", without=118552),
    ),
    "dogs": (
        Root(47144, "Canis familiaris", pets=True),
        Root(42043, "Canidae", without=47144),
    ),
    "birds": (Root(3, "Aves"),),
}


@dataclasses.dataclass(frozen=True)
class Species:
    """One species of a class, with the observations that the source states."""

    animal: str
    taxon_id: int
    name: str
    common_name: str | None
    supply: int
    root: Root


def parse_classes(text):
    """The class names in a comma-separated list; UserError names the known ones."""
    return _known(text, CLASSES, "class")


def parse_licences(text):
    """The licence codes in a comma-separated list; UserError names the known ones."""
    return _known(text, LICENCES, "licence")


def _known(text, known, what):
    names = [name.strip() for name in text.lower().split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        problem = f"unknown {what} {unknown[0]!r}" if unknown else f"no {what} was named"
        raise UserError(f"{problem}: choose among {', '.join(known)}")
    return list(dict.fromkeys(names))


def check(options):
    """Raises UserError where a `ScrapeOptions` can bring no photo at all."""
    longest = LONG_SIDE[options.size]
    if options.min_side > longest:
        raise UserError(
            f"--size={options.size} has at most {longest} px a side: lower --min_side="
            f"{options.min_side} or take a larger --size"
        )
    if options.source == "api":
        check_address("api_url", options.api_url)
    check_address("photo_url", options.photo_url)
    parse_classes(options.classes)
    parse_licences(options.licences)
    if not options.contact.strip():
        raise UserError("--contact is required: iNaturalist asks who is asking")


def version(url: str) -> str:
    """v1 or v2, by the end of the address."""
    return "v1" if url.rstrip("/").endswith("/v1") else "v2"


def variant_size(width: int, height: int, size: str) -> tuple[int, int]:
    """Width and height of a photo's variant; a picture is never scaled up."""
    scale = min(1.0, LONG_SIDE[size] / max(width, height))
    return round(width * scale), round(height * scale)


def water_fill(total, supply):
    """Equal shares until a supply runs out; what is left is shared by the others.

    Args:
        total: how many are wanted together.
        supply: dict of name to how many there are.

    Returns:
        Dict of name to share; the shares sum to min(total, all there is), and two
        shares differ by more than one only where the smaller is a whole supply.
    """
    shares = {}
    rising = sorted(supply, key=supply.get)
    for index, name in enumerate(rising):
        shares[name] = min(supply[name], total // (len(rising) - index))
        total -= shares[name]
    return shares


def quotas(species, per_class):
    """Dict of taxon id to wanted photos for the species of one class."""
    return water_fill(per_class, {s.taxon_id: s.supply for s in species})


def table(supply, options):
    """The plan as text: counts, bytes, requests and hours, and the terms.

    Args:
        supply: dict of class to its list of `Species`.
        options: a `ScrapeOptions`.
    """
    lines = [
        f"{'class':10}{'species':>8}{'supply':>10}{'wanted':>8}{'a species':>12}{'bytes':>10}"
    ]
    wanted, requests = 0, 0
    for animal, species in supply.items():
        shares = quotas(species, options.per_class)
        count = sum(shares.values())
        spread = f"{min(shares.values(), default=0)}..{max(shares.values(), default=0)}"
        size = _bytes(count * _MEAN_BYTES[options.size])
        stated = sum(s.supply for s in species)
        lines.append(f"{animal:10}{len(species):8}{stated:10,}{count:8,}{spread:>12}{size:>10}")
        lines += _species_lines(species, shares)
        wanted += count
        if options.source == "api":
            page = PER_PAGE[version(options.api_url)]
            pages = sum(_pages(share, page) for share in shares.values())
            requests += 2 * len(CLASSES[animal]) + pages
    return "\n".join([*lines, "", *_cost(wanted, requests, options), "", TERMS])


def _species_lines(species, shares):
    shown = [
        f"{plain(s.name, 60)} {shares[s.taxon_id]:,} of {s.supply:,}" for s in species[:_SHOWN]
    ]
    rest = len(species) - len(shown)
    return [f"    {line}" for line in shown] + (
        [f"    and {rest} more species"] if rest else []
    )


def _pages(share, page):
    """API requests for a species when half of its observations fall to the filters."""
    return math.ceil(2 * share / page)


def _cost(wanted, requests, options):
    size = wanted * _MEAN_BYTES[options.size]
    hours = max(requests * options.interval_s / 3600, size / limits.BYTES_AN_HOUR)
    days = max(requests / limits.REQUESTS_A_DAY, size / limits.BYTES_A_DAY)
    hours = max(hours, 24 * (math.ceil(days) - 1))
    asked = [
        f"about {requests:,} API requests at one per {options.interval_s:g} s "
        f"(of {limits.REQUESTS_A_DAY:,} a day)"
    ]
    return [
        f"{wanted:,} photos, about {_bytes(size)} (estimated at "
        f"{_MEAN_BYTES[options.size] / 1000:.0f} kB a {options.size} photo)",
        *(asked if requests else []),
        f"at least {hours:.1f} hours within 5 GB an hour and 24 GB a day",
    ]


def _bytes(count):
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
