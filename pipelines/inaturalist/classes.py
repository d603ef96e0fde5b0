"""The taxa behind each class.

Pets are "captive" and therefore of *casual* grade: asking for research grade
would drop nearly all of them, so domestic cats and dogs are asked in every
grade but with an identification. Their wild relatives and birds are asked in
research grade.
"""

import dataclasses

from pipelines.base.errors import UserError

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
