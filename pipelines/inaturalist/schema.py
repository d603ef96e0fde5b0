"""What the service's answers and a scrape's own files look like, checked where they enter.

msgspec structs, because one declaration says both what a value must be and what the code may
rely on afterwards, and because it checks a page of 200 observations in about a millisecond.
What is absent may also be null: the two API versions differ in that.

An answer that does not fit is `Unfit`, with the place and the reason; who asked decides
whether to ask again. A file that does not fit is a `UserError` that names the line.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from pipelines import listing
from pipelines.base import files
from pipelines.base.errors import UserError

_LARGEST = 2**53  # every JSON reader keeps integers up to here
Id = Annotated[int, Meta(ge=0, le=_LARGEST)]
Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
Text = Annotated[str, Meta(max_length=10_000)]
Moment = Annotated[float, Meta(ge=0, le=1e11)]  # seconds since the epoch
SIZES = ("small", "medium", "large", "original")


class Unfit(Exception):
    """An answer, or a part of it, that is not what was asked for."""


# --- answers of the API


class User(Struct):
    """Who made an observation."""

    id: Id | None = None
    login: Text | None = None
    name: Text | None = None


class Taxon(Struct):
    """A taxon as observations, counts and `/taxa/ID` state it."""

    id: Id | None = None
    name: Text | None = None
    rank: Text | None = None
    preferred_common_name: Text | None = None
    ancestor_ids: list[Count] | None = None
    is_active: bool | None = None


class Annotation(Struct):
    """A term and its value, by their numbers (Alive or Dead, Evidence of Presence ...)."""

    controlled_attribute_id: Count | None = None
    controlled_value_id: Count | None = None


class Dimensions(Struct):
    """Pixels of the original."""

    width: Count | None = None
    height: Count | None = None


class Photo(Struct):
    """One photo of an observation; `url` is that of its square variant."""

    id: Id | None = None
    license_code: Text | None = None
    attribution: Text | None = None
    url: Text | None = None
    original_dimensions: Dimensions | None = None
    flags: list[Any] | None = None
    hidden: bool | None = None


class Observation(Struct):
    """A result of `/observations`."""

    id: Id | None = None
    uuid: Text | None = None
    quality_grade: Text | None = None
    captive: bool | None = None
    obscured: bool | None = None
    observed_on: Text | None = None
    user: User | None = None
    taxon: Taxon | None = None
    annotations: list[Annotation] | None = None
    photos: list[Photo] | None = None


class SpeciesCount(Struct):
    """A result of `/observations/species_counts`."""

    count: Count
    taxon: Taxon


class Answer(Struct):
    """Any answer: how many results there are beyond this page too, and those of this page."""

    results: list[Any]
    total_results: Count | None = None


# --- files of a scrape


class Candidate(Struct):
    """A photo to fetch, as a page of the journal keeps it; the manifest adds file facts."""

    path: str
    photo_id: Id
    animal: str = field(name="class")
    species_id: Id
    species_name: str
    licence: str
    size: str
    extension: str
    observer_id: Id | None = None
    taxon_name: str | None = None
    attribution: str | None = None
    observer_login: str | None = None
    observer_name: str | None = None
    observation_id: Id | None = None
    observation_uuid: str | None = None
    original_width: Count | None = None
    original_height: Count | None = None

    def __post_init__(self):
        if not re.fullmatch(r"[a-z]+", self.animal):
            raise ValueError("class is no plain word")
        if self.path != f"{self.animal}/{self.photo_id}.jpg":
            raise ValueError("path is not CLASS/PHOTO_ID.jpg")
        if not re.fullmatch(r"\w*", self.extension) or self.size not in SIZES:
            raise ValueError("size or extension is none of a photo's")


class Kept(Struct):
    """A row of the manifest: what the commands need of it."""

    path: str
    photo_id: Id
    animal: str = field(name="class")
    species_id: Id
    species_name: str
    licence: str
    bytes: Count
    sha256: str
    observer_id: Id | None = None
    taxon_name: str | None = None
    attribution: str | None = None
    observer_login: str | None = None
    observer_name: str | None = None
    observation_id: Id | None = None
    observation_uuid: str | None = None

    def __post_init__(self):
        if not listing.stays_inside(self.path):
            raise ValueError(f"{self.path!r} is outside its folder")


class Failure(Struct):
    """A row of failures.jsonl."""

    photo_id: Id
    reason: str
    may_pass: bool
    time: str | None = None


class SpeciesRow(Struct):
    """A species of the journal's supply."""

    animal: str
    taxon_id: Id
    name: str
    supply: Count
    root: Id
    common_name: str | None = None


class Supply(Struct, tag_field="kind", tag="supply"):
    """A journal line: the species of a class."""

    animal: str = field(name="class")
    species: list[SpeciesRow]


class Page(Struct, tag_field="kind", tag="page"):
    """A journal line: candidates of one species.

    Attributes:
        taxon_id: the species.
        rows: candidate rows, without file facts.
        rejected: how many observations were passed over, by reason.
        last_id: where the next page starts.
        exhausted: whether the source said that there is no next page.
        seen: observations that the page brought.
        odd: what did not fit, an observation each: its id and what is wrong with it.
    """

    taxon_id: Id
    rows: list[dict[str, Any]]
    rejected: dict[str, Count]
    last_id: Count
    exhausted: bool
    seen: Count = 0
    odd: list[str] = []

    def __post_init__(self):
        for row in self.rows:
            msgspec.convert(row, Candidate)


class Settings(Struct):
    """settings.json: what must not change between runs, and how many are wanted."""

    source: str
    licences: str
    size: str
    min_side: Count
    max_species: Count
    per_class: Count


class Usage(Struct):
    """limits.json: when the API was last asked, and {minute: [requests, bytes]}."""

    last: Moment
    minutes: dict[str, tuple[Count, Count]]


class Waiting(Struct):
    """waiting.json: what a run waits for, and until when (seconds since the epoch)."""

    why: str
    until: Moment


# --- reading


def answer(body: bytes) -> Answer:
    """An answer's body, its envelope checked and its results as they came; `Unfit` if not.

    Half a surrogate pair is legal in JSON and no text: it is replaced by a question mark.
    """
    try:
        value = json.loads(body)
        if b"\\ud" in body.lower():
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except (ValueError, RecursionError) as error:
        start = plain(body[:80].decode("utf-8", "replace"), 60)
        raise Unfit(f"no JSON but {start!r}") from error
    return fit(value, Answer)


def fit(value: Any, kind: type) -> Any:
    """The value as a struct of that kind; `Unfit` says where and why it is none."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise Unfit(plain(str(error))) from error


def fits(value: Any, kind: type) -> bool:
    """Whether a value is one of that kind."""
    try:
        fit(value, kind)
    except Unfit:
        return False
    return True


def fitting(results: list, kind: type, odd: list[str]) -> Iterator[Any]:
    """The results that fit, one after another; of the others, id and reason go to `odd`."""
    for place, result in enumerate(results):
        try:
            yield fit(result, kind)
        except Unfit as error:
            told = result.get("id") if isinstance(result, dict) else None
            known = isinstance(told, int | float | str)
            named = f"id {plain(str(told)[:99], 40)}" if known else f"result {place}"
            odd.append(f"{named}: {error}")


def ids(results: list) -> list[int]:
    """The ids of the results that have one, whatever else is wrong with them."""
    told = (result.get("id") for result in results if isinstance(result, dict))
    return [number for number in told if type(number) is int and 0 < number <= _LARGEST]


def checked_rows(path, kind: type) -> list[dict]:
    """The lines of a JSON-lines file as dicts, each of them known to fit `kind`.

    Raises:
        UserError: names the line that does not fit.
    """
    found = files.rows(path)
    for number, row in enumerate(found, 1):
        try:
            fit(row, kind)
        except Unfit as error:
            raise UserError(f"{path} line {number}: {error}: mend or delete it") from error
    return found


def checked_file(path, kind: type) -> Any:
    """A JSON file as a struct.

    Raises:
        UserError: it is missing, no JSON, or does not fit.
    """
    try:
        return fit(files.one(path), kind)
    except Unfit as error:
        raise UserError(f"{path}: {error}: mend or delete it") from error


def plain(text: str, most: int = 200) -> str:
    """One line of text for a terminal or a page, whoever wrote it.

    Control, format and direction characters go, white space becomes single spaces, and what is
    longer than `most` is cut and ends in "…".
    """
    text = "".join(c if c.isprintable() else " " for c in text[: 4 * most + 100])
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
