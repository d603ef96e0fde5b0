"""Ten thousand mutated answers: none is a stack trace, and none costs what was not mutated."""

import copy
import json
import random

import msgspec
import pytest

from pipelines.inaturalist import api, plan, schema
from pipelines.options import ScrapeOptions
from tests.pipelines.fake_world import make_observation

COUNT, STEP = 10_000, 2_500
SPECIES = plan.Species("birds", 13547, "Passer domesticus", None, 9, plan.CLASSES["birds"][0])
VALUES = (
    None, True, -1, 0, 7, 1.5, 10**15, 10**30, float("nan"), float("inf"), "", "7", "null", [],
    {}, [None], [[]], {"id": 1}, "\ud800", "a" * 10_001, "\u202e\n", [0] * 50, "../../x",
)  # fmt: skip


def read(body, after=0):
    """A page as the source reads it, without anything sent."""

    class Once:
        def ask(self, url, params, read):
            return read(body)

    source = api.ApiSource(Once(), ScrapeOptions(), ("cc0", "cc-by", "cc-by-nc", "cc-by-sa"))
    return source.page(SPECIES, after)


@pytest.fixture(scope="module")
def observations():
    """Good ones, cut down to what v2 is asked for."""
    found = [make_observation(1000 + 10 * index, 13547, index) for index in (0, 1, 2, 6, 8)]
    wanted = set(api.FIELDS)
    return [{key: value for key, value in o.items() if key in wanted} for o in found]


def places(value, path=()):
    """The path of every node of a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def wound(chance, value):
    """Replaces, removes or doubles one node of a JSON value, in place."""
    known = [path for path in places(value) if path]
    if not known:
        return
    *path, last = chance.choice(known)
    for key in path:
        value = value[key]
    kind = chance.random()
    if kind < 0.7:
        value[last] = copy.deepcopy(chance.choice(VALUES))
    elif kind < 0.85:
        del value[last]
    elif isinstance(value, list):
        value.append(copy.deepcopy(value[last]))
    else:
        value[last] = [value[last]]


def paths(page):
    return [row["path"] for row in page.rows]


@pytest.mark.parametrize("start", range(0, COUNT, STEP))
def test_a_wound_costs_one_observation_at_most(observations, start):
    whole = {"total_results": 99, "results": observations}
    assert len(paths(read(json.dumps(whole).encode()))) == 5
    passed_over = 0
    for number in range(start, start + STEP):
        chance = random.Random(number)
        results = copy.deepcopy(observations)
        victim = chance.randrange(5)
        holder = [results[victim]]
        for _ in range(chance.randint(1, 3)):
            wound(chance, holder)
        results[victim : victim + 1] = holder
        page = read(json.dumps({"total_results": 99, "results": results}).encode())
        others = [o["id"] for o in observations if o is not observations[victim]]
        others = [f"birds/{identity * 10}.jpg" for identity in others]
        assert [path for path in paths(page) if path in others] == others, number
        assert victim == 4 or page.last_id == 1080
        line = json.dumps(msgspec.to_builtins(page), ensure_ascii=False).encode()
        assert schema.fits(json.loads(line), schema.Page), "the journal can be read again"
        passed_over += bool(page.odd)
        assert all(line.isprintable() for line in page.odd)
    assert passed_over > STEP / 10


@pytest.mark.parametrize("start", range(0, COUNT, STEP))
def test_any_wound_is_a_page_or_is_refused(observations, start):
    outcomes = {True: 0, False: 0}
    for number in range(start, start + STEP):
        chance = random.Random(-number - 1)
        answer = {"total_results": 99, "results": copy.deepcopy(observations[:2])}
        if number % 2:
            holder = [answer]
            wound(chance, holder)
            body = json.dumps(holder[0] if holder else None).encode()
        else:
            body = bytearray(json.dumps(answer).encode())
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(body))
                body[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
            body = bytes(body[: chance.choice((len(body), chance.randrange(len(body) + 1)))])
        try:
            page = read(body)
            outcomes[True] += 1
            assert all(schema.fits(row, schema.Candidate) for row in page.rows)
        except schema.Unfit as error:
            outcomes[False] += 1
            assert str(error).isprintable()
    assert min(outcomes.values()) > STEP / 10


@pytest.mark.parametrize("depth", [900, 200_000])
def test_deep_nesting_is_refused(depth):
    nested = "[" * depth + "]" * depth
    for body in (nested, f'{{"results": [{nested}], "total_results": 9}}'):
        with pytest.raises(schema.Unfit):
            read(body.encode())
