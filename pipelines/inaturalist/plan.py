"""How many photos of which species, and what that costs within the limits."""

import math

from pipelines.base.errors import UserError
from pipelines.inaturalist import api, limits
from pipelines.inaturalist.classes import CLASSES, TERMS
from pipelines.inaturalist.observations import LONG_SIDE

# Mean bytes of a picture: estimates (20,000 `medium` are 1.5 to 2.5 GB).
_MEAN_BYTES = {"small": 30e3, "medium": 100e3, "large": 325e3, "original": 1000e3}
_SHOWN = 8


def check(options):
    """Raises UserError where a `ScrapeOptions` can bring no photo at all."""
    for name in ("per_class", "connections", "per_observer", "max_species", "timeout_s"):
        if getattr(options, name) <= 0:
            raise UserError(f"--{name} must be above 0")
    if options.interval_s < 0:
        raise UserError("--interval_s must be at least 0")
    longest = LONG_SIDE[options.size]
    if options.min_side > longest:
        raise UserError(
            f"--size={options.size} has at most {longest} px a side: lower --min_side="
            f"{options.min_side} or take a larger --size"
        )


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
            page = api.PER_PAGE[api.version(options.api_url)]
            pages = sum(_pages(share, page) for share in shares.values())
            requests += 2 * len(CLASSES[animal]) + pages
    return "\n".join([*lines, "", *_cost(wanted, requests, options), "", TERMS])


def _species_lines(species, shares):
    shown = [f"{s.name} {shares[s.taxon_id]:,} of {s.supply:,}" for s in species[:_SHOWN]]
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
