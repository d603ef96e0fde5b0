"""From an observation of an API answer to one candidate photo, or the reason against it.

Answers of v1 and v2 differ in keys that may be absent as well as null; both are
read here. One photo an observation: the first that passes.
"""

import re

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

LONG_SIDE = {"small": 240, "medium": 500, "large": 1024, "original": 2048}
TOO_SMALL = "too small"
_DEAD = (17, 19)
_EVIDENCE, _ORGANISM = 22, 24
_PHOTO_URL = re.compile(r"/photos/(?P<id>\d+)/square\.(?P<extension>\w*)(\?\d+)?$")


def rison(fields):
    """A nested dict of wanted keys as v2's `fields` text: (id:!t,user:(login:!t))."""
    parts = (
        f"{key}:{'!t' if value is True else rison(value)}" for key, value in fields.items()
    )
    return f"({','.join(parts)})"


def candidate(observation, species, licences, size, min_side):
    """One photo of an observation as a manifest row without file facts.

    Args:
        observation: a result of `/observations`.
        species: the `Species` it was asked for.
        licences: accepted photo licences.
        size: the variant to download.
        min_side: least short side of that variant, in pixels.

    Returns:
        `(row, None)`, or `(None, reason)`.
    """
    taxon = observation.get("taxon") or {}
    reason = _objection(observation, taxon, species)
    if reason:
        return None, reason
    reason = "no photo"
    for photo in observation.get("photos") or []:
        reason = _photo_objection(photo, licences, size, min_side)
        if not reason:
            return _row(observation, taxon, photo, species, size), None
    return None, reason


def variant_size(width, height, size):
    """Width and height of a variant; a picture is never scaled up."""
    scale = min(1.0, LONG_SIDE[size] / max(width, height))
    return round(width * scale), round(height * scale)


def _objection(observation, taxon, species):
    if not taxon.get("id"):
        return "no taxon"
    if not species.root.admits(observation.get("quality_grade")):
        return "grade"
    for annotation in observation.get("annotations") or []:
        term = annotation.get("controlled_attribute_id")
        value = annotation.get("controlled_value_id")
        if (term, value) == _DEAD:
            return "dead"
        if term == _EVIDENCE and value != _ORGANISM:
            return "track, scat or other trace"
    return None


def _photo_objection(photo, licences, size, min_side):
    if (photo.get("license_code") or "").lower() not in licences:
        return "licence"
    if photo.get("hidden") or photo.get("flags"):
        return "flagged"
    if not isinstance(photo.get("id"), int) or not _PHOTO_URL.search(photo.get("url") or ""):
        return "hosted elsewhere"
    stated = photo.get("original_dimensions") or {}
    if stated.get("width") and stated.get("height"):
        if min(variant_size(stated["width"], stated["height"], size)) < min_side:
            return TOO_SMALL
    return None


def _row(observation, taxon, photo, species, size):
    user = observation.get("user") or {}
    stated = photo.get("original_dimensions") or {}
    return {
        "path": f"{species.animal}/{photo['id']}.jpg",
        "photo_id": photo["id"],
        "observation_id": observation.get("id"),
        "observation_uuid": observation.get("uuid"),
        "class": species.animal,
        "species_id": species.taxon_id,
        "species_name": species.name,
        "taxon_id": taxon["id"],
        "taxon_name": taxon.get("name"),
        "taxon_rank": taxon.get("rank"),
        "common_name": taxon.get("preferred_common_name") or species.common_name,
        "ancestor_ids": taxon.get("ancestor_ids"),
        "licence": photo["license_code"].lower(),
        "attribution": photo.get("attribution"),
        "observer_id": user.get("id"),
        "observer_login": user.get("login"),
        "observer_name": user.get("name"),
        "observed_on": observation.get("observed_on"),
        "quality_grade": observation.get("quality_grade"),
        "captive": observation.get("captive"),
        "obscured": observation.get("obscured"),
        "size": size,
        "extension": _PHOTO_URL.search(photo["url"])["extension"],
        "original_width": stated.get("width"),
        "original_height": stated.get("height"),
    }
