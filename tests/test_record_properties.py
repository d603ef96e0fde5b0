"""What must hold for any expression, flag, record and name, tried on hundreds of each."""

import dataclasses
import json
import keyword

import pytest
from absl import flags
from hypothesis import given
from hypothesis import strategies as st

from pipelines import cli, terms
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import api, plan, schema
from tests.test_properties import FAMILIES, few, many

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
values = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(),
    texts,
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
settings_of = st.dictionaries(
    st.from_regex("[a-z][a-z_]{0,8}", fullmatch=True).filter(
        lambda word: not keyword.iskeyword(word)
    ),
    values,
    max_size=3,
)


@many
@given(
    st.lists(
        st.tuples(st.sampled_from(FAMILIES), st.floats(0.001, 100), settings_of),
        min_size=1,
        max_size=4,
    )
)
def test_an_expression_reads_back_what_it_was(parts):
    made = [terms.Term(name, float(f"{weight:g}"), chosen) for name, weight, chosen in parts]
    assert terms.parse(" + ".join(map(str, made))) == made


@many
@given(st.text(max_size=60))
def test_any_text_is_an_expression_or_refused_in_one_line(text):
    try:
        terms.parse(text)
    except UserError as error:
        assert "cannot read the expression" in str(error)


@dataclasses.dataclass(frozen=True)
class Options:
    """One field of every kind."""

    count: int = cli.option(3, "a number")
    rate: float = cli.option(0.5, "a share")
    fast: bool = cli.option(False, "a switch")
    label: str = cli.option("", "a text")
    kind: str = cli.option("a", "a choice", choices=("a", "b"))
    model: tuple = cli.option((), "repeatable", multiple=True)


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)


@many
@given(
    st.builds(
        Options,
        st.integers(-(2**40), 2**40),
        st.floats(allow_nan=False),
        st.booleans(),
        words,
        st.sampled_from("ab"),
        st.lists(words, max_size=3).map(tuple),
    )
)
def test_recorded_flags_read_back_what_they_were(options):
    private = flags.FlagValues()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "FLAGS", private)
        cli.define(Options)
        private(["program", *cli.lines(options)])
        assert cli.read(Options) == options


rows = st.dictionaries(
    texts, st.one_of(values, st.none(), st.lists(values, max_size=2)), max_size=4
)


@few
@given(st.lists(rows, max_size=5), st.binary(max_size=20))
def test_rows_read_back_and_a_torn_tail_is_passed_over(tmp_path_factory, written, tail):
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    written = json.loads(json.dumps(written))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in written)
    torn = b'{"a": "' + tail.replace(b"\n", b"").replace(b'"', b"")
    path.write_bytes(text.encode("utf-8", "surrogatepass") + torn)
    assert files.rows(path) == written


optional = dict.fromkeys(("user", "annotations", "observed_on", "id", "uuid"), st.none())
lacking = dict.fromkeys(("original_dimensions", "flags", "hidden", "attribution"), st.none())


@many
@given(
    st.fixed_dictionaries({}, optional=optional), st.fixed_dictionaries({}, optional=lacking)
)
def test_keys_that_are_null_or_absent_never_end_a_scrape(about, of_photo):
    species = plan.Species("cats", 118552, "Felis catus", None, 9, plan.CLASSES["cats"][0])
    photo = {"id": 7, "url": "https://h/photos/7/square.jpg", "license_code": "cc0"}
    observation = {"taxon": {"id": 1}, "quality_grade": "casual", "photos": [photo | of_photo]}
    read = schema.fit(observation | about, schema.Observation)
    row, reason = api.candidate(read, species, ("cc0",), "medium", 64)
    assert reason is None and row["path"] == "cats/7.jpg" and json.dumps(row)


@many
@given(st.dictionaries(st.integers(), st.integers(0, 1000), max_size=30), st.integers(0, 20000))
def test_shares_are_fair_and_use_what_there_is(supply, total):
    found = plan.water_fill(total, supply)
    assert sum(found.values()) == min(total, sum(supply.values()))
    assert all(0 <= found[name] <= supply[name] for name in supply)
    unfilled = [found[name] for name in supply if found[name] < supply[name]]
    assert not unfilled or max(found.values()) - min(unfilled) <= 1
