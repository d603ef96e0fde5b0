"""What the loopback iNaturalist holds: species, observations made from real ones, pictures."""

import copy
import functools
import json
import pathlib
import re

import cv2
import numpy as np

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "inaturalist"
LICENCES = ("cc-by-nc", "cc-by", "cc0", "cc-by-sa", None, "cc-by-nc-nd")
EXTENSIONS = ("jpg", "jpeg", "JPG", "png", "")
#        taxon: (name, common name, class root, observations a unit)
SPECIES = {
    118552: ("Felis catus", "Domestic Cat", 41944, 40),
    41976: ("Lynx rufus", "Bobcat", 41944, 12),
    42007: ("Puma concolor", "Puma", 41944, 4),
    47144: ("Canis familiaris", "Domestic Dog", 42043, 30),
    42051: ("Canis latrans", "Coyote", 42043, 20),
    42069: ("Vulpes vulpes", None, 42043, 14),
    12716: ("Turdus merula", "Merle noir à bec jaune", 3, 25),
    203153: ("Parus major", "Great Tit", 3, 25),
    13547: ("Passer domesticus", "House Sparrow", 3, 25),
    9083: ("Cardinalis cardinalis", "Northern Cardinal", 3, 8),
}
ROOTS = {41944: "Felidae", 42043: "Canidae", 3: "Aves"}
PETS = (118552, 47144)
RANKS = {41944: "family", 42043: "family", 3: "class"}


@functools.cache
def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["results"][0]


def taxon_answer(server, taxon):
    answer = copy.deepcopy(golden("v1_get_taxa_by_id"))
    _, common, root, _ = SPECIES.get(taxon, (None, None, taxon, None))
    answer |= {
        "id": taxon,
        "name": server.names.get(taxon, "Vita"),
        "rank": RANKS.get(taxon, "species"),
    }
    answer["ancestor_ids"] = [48460, 1, 2, 355675, root, taxon]
    answer.pop("preferred_common_name")  # missing for many taxa
    return answer | ({"preferred_common_name": common} if common else {})


def make_world(unit):
    """Observations of every species, in the order of their ids."""
    observations = []
    for rank, (taxon, (*_, supply)) in enumerate(SPECIES.items()):
        for index in range(supply * unit):
            identity = 1000 + index * len(SPECIES) + rank
            observations.append(make_observation(identity, taxon, index))
    return sorted(observations, key=lambda o: o["id"])


def make_observation(identity, taxon, index):
    """One real observation refilled; `index` decides which oddity it has."""
    base = golden("v2_get_observations_by_id_full" if index % 2 else "v1_get_observation")
    name, common, root, _ = SPECIES[taxon]
    pet = taxon in PETS
    answer = copy.deepcopy(base) | {
        "id": identity,
        "uuid": f"00000000-0000-4000-8000-{identity:012d}",
        "quality_grade": "casual" if pet else "research",
        "captive": pet,
        "observed_on": f"{2010 + index % 15}-{1 + index % 12:02d}-09",
        "obscured": index % 9 == 0,
        "asked_taxon": taxon,
        "annotations": [],
    }
    login = f"observer{(identity * 7) % 211}"
    answer["user"] = {"id": 5000 + (identity * 7) % 211, "login": login, "name": "Nicolas Noé"}
    answer["taxon"] |= {"id": taxon, "name": name, "ancestor_ids": [48460, 1, root, taxon]}
    answer["taxon"].pop("preferred_common_name", None)
    if common:
        answer["taxon"]["preferred_common_name"] = common
    answer["photos"] = [make_photo(identity * 10, index, login)]
    return _odd(answer, index)


def make_photo(photo_id, index, login):
    licence = LICENCES[index % len(LICENCES)]
    host = (
        "https://inaturalist-open-data.s3.amazonaws.com"
        if licence
        else "https://static.inaturalist.org"
    )
    stamp = "?1536150664" if index % 7 == 0 else ""
    extension = EXTENSIONS[index % len(EXTENSIONS)]
    return {
        "id": photo_id,
        "license_code": licence,
        "url": f"{host}/photos/{photo_id}/square.{extension}{stamp}",
        "attribution": f"(c) {login} Noé, some rights reserved ({licence})",
        "original_dimensions": {"width": 2048, "height": 1536},
        "flags": [],
        "hidden": False,
    }


def _odd(answer, index):
    photo = answer["photos"][0]
    kind = index % 23
    if kind == 3:
        answer["taxon"] = None
    elif kind == 5:
        photo["url"] = "https://live.staticflickr.com/65535/51_09_s.jpg"
    elif kind == 7:
        answer["annotations"] = [{"controlled_attribute_id": 17, "controlled_value_id": 19}]
    elif kind == 9:
        answer["annotations"] = [{"controlled_attribute_id": 22, "controlled_value_id": 25}]
    elif kind == 11:
        photo["original_dimensions"] = {"width": 2048, "height": 500}  # a panorama
    elif kind == 13:
        photo["original_dimensions"] = None
    elif kind == 15:  # several photos, licences mixed
        second = make_photo(photo["id"] + 1, 1, "observer")
        photo["license_code"] = None
        answer["photos"] = [photo, second, make_photo(photo["id"] + 2, 1, "observer")]
    elif kind == 17:
        photo["flags"] = [{"id": 1, "flag": "copyright infringement"}]
    elif kind == 19:
        answer.pop("annotations")
        photo.pop("original_dimensions")
        photo.pop("hidden")
    return answer


def photo_extension(photo):
    found = re.search(r"/square\.(\w*)", photo["url"])
    return found[1] if found else None


@functools.cache
def tiny_picture(width, height):
    """A JPEG whose header says that size; its body is of one grey block."""
    body = cv2.imencode(".jpg", np.full((1, 1, 3), 128, np.uint8))[1].tobytes()
    frame = body.index(b"\xff\xc0")
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return body[: frame + 5] + size + body[frame + 9 :]


@functools.lru_cache(maxsize=4096)
def picture(photo_id, size, extension):
    """(bytes, content type): soft colour fields, different for every id."""
    side = {"small": 240, "medium": 500, "large": 1024, "original": 2048}[size]
    generator = np.random.default_rng(photo_id)
    seeds = generator.integers(0, 256, (9, 12, 3), np.uint8)
    image = cv2.resize(seeds, (side, side * 3 // 4), interpolation=cv2.INTER_CUBIC)
    png = extension == "png"
    kind = ".png" if png else ".jpg"
    body = cv2.imencode(kind, image)[1].tobytes()
    return body, "image/png" if png else "image/jpeg"
