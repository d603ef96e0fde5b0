"""The live API as a source of candidates: ids resolved, supply asked, pages by id."""

import collections
import dataclasses

from pipelines.base.errors import UserError
from pipelines.inaturalist import observations
from pipelines.inaturalist.classes import CLASSES, Species

_TAXON = {"id": True, "name": True, "rank": True, "preferred_common_name": True}
PER_PAGE = {"v1": 50, "v2": 200}  # one v1 observation is 59 to 161 kB of JSON
_COUNTS_PER_PAGE = 500
_WINDOW = 10_000  # page x per_page beyond it is an error


@dataclasses.dataclass(frozen=True)
class Page:
    """Candidates of one species after some id.

    Attributes:
        rows: manifest rows without file facts.
        rejected: how many observations fell, by reason.
        last_id: where the next page starts.
        exhausted: whether there is no next page.
    """

    rows: list
    rejected: dict
    last_id: int | str
    exhausted: bool


def version(url):
    """v1 or v2, by the end of the address."""
    return "v1" if url.rstrip("/").endswith("/v1") else "v2"


class ApiSource:
    """Asks iNaturalist, v2 with chosen `fields` or v1 (an address that ends in /v1).

    Args:
        client: a `client.Client`.
        limits: a `limits.Limits`, asked before every request.
        options: a `ScrapeOptions`.
        licences: accepted photo licences.
    """

    def __init__(self, client, limits, options, licences):
        self._client = client
        self._limits = limits
        self._options = options
        self._licences = licences
        self._url = options.api_url.rstrip("/")
        self._version = version(options.api_url)

    def supply(self, animal):
        """The class's species, best supplied first; UserError on a renumbered taxon."""
        known = {}
        for root in CLASSES[animal]:
            self._resolve(root)
            for count in self._counts(root):
                species = _species(animal, root, count)
                if species and species.taxon_id not in known:
                    known[species.taxon_id] = species
        ranked = sorted(known.values(), key=lambda s: (-s.supply, s.taxon_id))
        return ranked[: self._options.max_species]

    def page(self, species, after):
        """The candidates of one species with ids above `after` (None: from the start)."""
        answer = self._get(
            "observations",
            observations.FIELDS,
            taxon_id=species.taxon_id,
            per_page=PER_PAGE[self._version],
            order_by="id",
            order="asc",
            id_above=after or 0,
            **self._filters(species.root),
        )
        rows, rejected = [], collections.Counter()
        results = answer.get("results") or []
        for observation in results:
            row, reason = observations.candidate(
                observation, species, self._licences, self._options.size, self._options.min_side
            )
            rows.extend([row] if row else [])
            rejected.update([reason] if reason else [])
        last_id = max((o["id"] for o in results), default=after or 0)
        left = answer.get("total_results", len(results) + 1)  # what is left, after id_above
        return Page(rows, dict(rejected), last_id, not results or left <= len(results))

    def _resolve(self, root):
        """Taxa are merged and renumbered: the id must still bear the name."""
        answer = self._get(f"taxa/{root.taxon_id}", _TAXON)
        found = [taxon.get("name") for taxon in answer.get("results") or []]
        if found != [root.name]:
            raise UserError(
                f"taxon {root.taxon_id} is {found[0] if found else 'gone'}, not {root.name}: "
                f"look it up at {self._url}/taxa?q={root.name.replace(' ', '+')} and mend "
                "pipelines/inaturalist/classes.py"
            )

    def _counts(self, root):
        page = 1
        while True:
            answer = self._get(
                "observations/species_counts",
                {"count": True, "taxon": _TAXON},
                taxon_id=root.taxon_id,
                per_page=_COUNTS_PER_PAGE,
                page=page,
                **self._filters(root),
            )
            results = answer.get("results") or []
            yield from results
            seen = page * _COUNTS_PER_PAGE
            most = min(answer["total_results"], self._options.max_species, _WINDOW)
            if not results or seen >= most:
                return
            page += 1

    def _filters(self, root):
        return {"photos": "true", "photo_license": ",".join(self._licences)} | root.filters()

    def _get(self, path, fields, **params):
        if self._version == "v2":
            params["fields"] = observations.rison(fields)
        return self._client.get_json(
            f"{self._url}/{path}", params, before=self._limits.before_request
        )


def _species(animal, root, count):
    taxon = count.get("taxon") or {}
    if taxon.get("rank", "species") not in ("species", "hybrid") or not taxon.get("id"):
        return None
    common = taxon.get("preferred_common_name")
    return Species(animal, taxon["id"], taxon.get("name", ""), common, count["count"], root)
