"""The live API as a source of candidates: ids resolved, supply asked, pages by id.

`/observations` is paged by `id_above`: no window of 10,000, and new records do not shift pages.
An observation of an answer becomes one candidate, its first photo that passes, or falls for a
reason. What the service says is believed within bounds:

- An observation that does not fit the schema is passed over, named, and counted.
- A page must bring ids above the one asked for; one that brings nothing new is asked again, and
  is then an error, so that a page repeated for ever ends.
- That a species has ended is only noted here (`Page.exhausted`): once said, it is asked again.
"""

import collections
import itertools
import re
import sys
from typing import Any

from pipelines.base.errors import UserError
from pipelines.inaturalist import schema
from pipelines.inaturalist.plan import (
    CLASSES,
    PER_PAGE,
    TOO_SMALL,
    Species,
    variant_size,
    version,
)
from pipelines.inaturalist.schema import Page, Unfit, plain

# Which keys v2 shall send: a full observation is 8 kB, these are under 1 kB.
FIELDS = {
    "id": True,
    "uuid": True,
    "quality_grade": True,
    "captive": True,
    "obscured": True,
    "observed_on": True,
    "user": {"id": True, "login": True, "name": True},
    "taxon": {
        "id": True,
        "name": True,
        "rank": True,
        "preferred_common_name": True,
        "ancestor_ids": True,
    },
    "annotations": {"controlled_attribute_id": True, "controlled_value_id": True},
    "photos": {
        "id": True,
        "license_code": True,
        "attribution": True,
        "url": True,
        "original_dimensions": {"width": True, "height": True},
        "flags": {"id": True},
        "hidden": True,
    },
}
_TAXON = {"id": True, "name": True, "rank": True, "preferred_common_name": True}
_COUNTS_PER_PAGE = 500
_WINDOW = 10_000  # page x per_page beyond it is an error
_DEAD = (17, 19)
_EVIDENCE, _ORGANISM = 22, 24
_PHOTO_URL = re.compile(r"/photos/\d+/square\.(?P<extension>\w*)(\?\d+)?$", re.ASCII)


def rison(fields: dict) -> str:
    """A nested dict of wanted keys as v2's `fields` text: (id:!t,user:(login:!t))."""
    parts = (
        f"{key}:{'!t' if value is True else rison(value)}" for key, value in fields.items()
    )
    return f"({','.join(parts)})"


class ApiSource:
    """Asks iNaturalist, v2 with chosen `fields` or v1 (an address that ends in /v1).

    Args:
        client: a `client.Client`.
        options: a `ScrapeOptions`.
        licences: accepted photo licences.
    """

    drawn = False  # pages follow the service, so what it says may change

    def __init__(self, client, options, licences):
        self._client, self._options, self._licences = client, options, licences
        self._url = options.api_url.rstrip("/")
        self._version = version(options.api_url)

    def supply(self, animal: str) -> list[Species]:
        """The class's species, best supplied first.

        Raises:
            UserError: a taxon was renumbered, merged or retired.
        """
        known = {}
        for root in CLASSES[animal]:
            self._resolve(root)
            for one in self._counts(animal, root):
                known.setdefault(one.taxon_id, one)
        ranked = sorted(known.values(), key=lambda s: (-s.supply, s.taxon_id))
        return ranked[: self._options.max_species]

    def page(self, species: Species, after: int | None) -> Page:
        """The candidates of one species with ids above `after` (None: from the start)."""
        after = after or 0

        def read(body):
            return self._read(schema.answer(body), species, after)

        return self._get(
            "observations",
            FIELDS,
            read,
            taxon_id=species.taxon_id,
            per_page=PER_PAGE[self._version],
            order_by="id",
            order="asc",
            id_above=after,
            **self._filters(species.root),
        )

    def _read(self, answer, species, after):
        odd, rejected = [], collections.Counter()
        found = list(schema.fitting(answer.results, schema.Observation, odd))
        odd += [f"result without id, of {plain(str(o.uuid), 40)}" for o in found if not o.id]
        last_id = _last([number for number in schema.ids(answer.results) if number > after])
        left = answer.total_results  # after id_above; absent: not known
        ended = not answer.results or (left is not None and left <= len(answer.results))
        if not last_id and not ended:
            told = f"; the first that does not fit: {odd[0]}" if odd else ""
            raise Unfit(f"the page brings nothing new after id {after}{told}")
        if not answer.results and left:
            raise Unfit(f"an empty page that speaks of {left:,} results")
        new = {o.id: o for o in found if o.id and o.id > after}
        chosen = self._licences, self._options.size, self._options.min_side
        pairs = [candidate(one, species, *chosen) for one in new.values()]
        rejected.update(reason for _, reason in pairs if reason)
        rejected.update({"did not fit": len(odd)} if odd else {})
        return Page(
            species.taxon_id,
            [row for row, _ in pairs if row],
            dict(rejected),
            last_id or after,
            ended,
            len(new) + len(odd),
            odd,
        )

    def _resolve(self, root):
        """Taxa are merged and renumbered: the id must still bear the name, and be active."""

        def read(body):
            results = schema.answer(body).results
            return schema.fit(results[0], schema.Taxon) if results else None

        taxon = self._get(f"taxa/{root.taxon_id}", _TAXON | {"is_active": True}, read)
        now = None if taxon is None else taxon.name
        if now != root.name or taxon.is_active is False:
            state = "gone" if now is None else plain(now)
            state = f"retired ({state})" if now == root.name else state
            raise UserError(
                f"taxon {root.taxon_id} is {state}, not {root.name}: "
                f"look it up at {self._url}/taxa?q={root.name.replace(' ', '+')} and mend "
                "pipelines/inaturalist/plan.py"
            )

    def _counts(self, animal, root):
        """The species below a root; an empty list only when the service says so twice."""
        for _ in range(2):
            species, odd = self._all_counts(animal, root)
            for line in odd:
                print(f"passed over among the species of {animal}: {line}", file=sys.stderr)
            if species:
                break
        return species

    def _all_counts(self, animal, root):
        species, odd = [], []
        for page in range(1, _WINDOW // _COUNTS_PER_PAGE + 1):
            answer = self._get(
                "observations/species_counts",
                {"count": True, "taxon": _TAXON},
                schema.answer,
                taxon_id=root.taxon_id,
                per_page=_COUNTS_PER_PAGE,
                page=page,
                **self._filters(root),
            )
            counts = schema.fitting(answer.results, schema.SpeciesCount, odd)
            species += filter(None, (_species(animal, root, count) for count in counts))
            stated = answer.total_results or 0
            most = min(stated, self._options.max_species)
            if not answer.results or page * _COUNTS_PER_PAGE >= most:
                break
        return species, odd

    def _filters(self, root):
        return {"photos": "true", "photo_license": ",".join(self._licences)} | root.filters()

    def _get(self, path, fields, read, **params: Any):
        if self._version == "v2":
            params["fields"] = rison(fields)
        return self._client.ask(f"{self._url}/{path}", params, read)


def _last(ids):
    """Where the next page starts: the last id, for they were asked for in rising order.

    So one id that is far too large does not skip what follows. Where they do not rise, the
    largest; 0 where there is none.
    """
    rising = sum(a < b for a, b in itertools.pairwise(ids))
    return ids[-1] if ids and 2 * rising >= len(ids) - 1 else max(ids, default=0)


def candidate(
    observation: schema.Observation, species: Species, licences, size: str, min_side: int
) -> tuple[dict | None, str | None]:
    """One photo of an observation as a candidate row, the first that passes.

    Args:
        observation: a result of `/observations`.
        species: the `Species` it was asked for.
        licences: accepted photo licences.
        size: the variant to download.
        min_side: least short side of that variant, in pixels.

    Returns:
        `(row, None)`, or `(None, reason)`.
    """
    reason = _objection(observation, species)
    if reason:
        return None, reason
    reason = "no photo"
    for photo in observation.photos or []:
        reason = _photo_objection(photo, licences, size, min_side)
        if not reason:
            return _row(observation, photo, species, size), None
    return None, reason


def _objection(observation, species):
    if observation.taxon is None or not observation.taxon.id:
        return "no taxon"
    if not species.root.admits(observation.quality_grade):
        return "grade"
    for annotation in observation.annotations or []:
        term, value = annotation.controlled_attribute_id, annotation.controlled_value_id
        if (term, value) == _DEAD:
            return "dead"
        if term == _EVIDENCE and value != _ORGANISM:
            return "track, scat or other trace"
    return None


def _photo_objection(photo, licences, size, min_side):
    if (photo.license_code or "").lower() not in licences:
        return "licence"
    if photo.hidden or photo.flags:
        return "flagged"
    if not photo.id or not _PHOTO_URL.search(photo.url or ""):
        return "hosted elsewhere"
    stated = photo.original_dimensions
    if stated and stated.width and stated.height:
        if min(variant_size(stated.width, stated.height, size)) < min_side:
            return TOO_SMALL
    return None


def _row(observation, photo, species, size):
    user = observation.user or schema.User()
    stated = photo.original_dimensions or schema.Dimensions()
    taxon = observation.taxon
    return {
        "path": f"{species.animal}/{photo.id}.jpg",
        "photo_id": photo.id,
        "observation_id": observation.id,
        "observation_uuid": observation.uuid,
        "class": species.animal,
        "species_id": species.taxon_id,
        "species_name": species.name,
        "taxon_id": taxon.id,
        "taxon_name": taxon.name,
        "taxon_rank": taxon.rank,
        "common_name": taxon.preferred_common_name or species.common_name,
        "ancestor_ids": taxon.ancestor_ids,
        "licence": photo.license_code.lower(),
        "attribution": photo.attribution,
        "observer_id": user.id,
        "observer_login": user.login,
        "observer_name": user.name,
        "observed_on": observation.observed_on,
        "quality_grade": observation.quality_grade,
        "captive": observation.captive,
        "obscured": observation.obscured,
        "size": size,
        "extension": _PHOTO_URL.search(photo.url)["extension"],
        "original_width": stated.width,
        "original_height": stated.height,
    }


def _species(animal, root, count):
    taxon = count.taxon
    if (taxon.rank or "species") not in ("species", "hybrid") or not taxon.id:
        return None
    name = taxon.name or f"taxon {taxon.id}"
    return Species(animal, taxon.id, name, taxon.preferred_common_name, count.count, root)
