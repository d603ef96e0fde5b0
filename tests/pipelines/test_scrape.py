"""The scraper against a loopback iNaturalist, with its oddities and faults."""

import collections

import pytest

from pipelines.inaturalist import journal
from tests.pipelines.fake_inaturalist import FakeINaturalist
from tests.pipelines.scraping import rows_of, scrape, served


@pytest.fixture(scope="module")
def faulty_scrape(tmp_path_factory):
    """A whole run with faults, some photos withdrawn, in between a look at status."""
    out_dir = tmp_path_factory.mktemp("scrape")
    with FakeINaturalist(unit=4, faults=True) as fake:
        fake.withdrawn.update({10000, 10060})
        planned = scrape(fake, "plan", out_dir, "--per_class=20")
        before = len([s for s in fake.seen if s.path.startswith("/photos")])
        refused = {10010}
        fake.photo_fault = lambda photo_id: "403" if photo_id in refused else None
        ran = scrape(fake, "run", out_dir, "--per_class=20")
        yield fake, out_dir, planned, before, ran


def test_plan_downloads_nothing_and_states_the_terms(faulty_scrape):
    _, _, planned, photos_asked, _ = faulty_scrape
    assert planned.returncode == 0, planned.stderr
    assert photos_asked == 0
    assert "forbid training for commercial purposes" in planned.stdout
    assert "60 photos" in planned.stdout and "API requests" in planned.stdout


def test_run_fills_every_class_in_spite_of_faults(faulty_scrape):
    fake, out_dir, _, _, ran = faulty_scrape
    assert ran.returncode == 0, ran.stderr
    rows = rows_of(out_dir)
    assert collections.Counter(r["class"] for r in rows) == {
        "cats": 20,
        "dogs": 20,
        "birds": 20,
    }
    files = {p.relative_to(out_dir).as_posix() for p in out_dir.glob("*/*.jpg")}
    assert files == {r["path"] for r in rows} and len(rows) == 60
    assert sum(not s.served for s in fake.seen) > 5, "the faults did not happen"
    assert max(served(fake).values()) == 1


def test_rows_are_licensed_living_and_complete(faulty_scrape):
    fake, out_dir, *_ = faulty_scrape
    for row in rows_of(out_dir):
        observation, photo = fake.photos[row["photo_id"]]
        assert photo["license_code"] in ("cc0", "cc-by", "cc-by-sa", "cc-by-nc")
        assert not photo["flags"] and observation["taxon"]
        assert not observation.get("annotations")
        assert min(row["width"], row["height"]) >= 256
        assert row["observer_id"] and row["attribution"] and row["sha256"] and row["phash"]
        assert (out_dir / row["path"]).read_bytes()[:2] == b"\xff\xd8", "JPEG under .jpg"
    observed = [r["observation_id"] for r in rows_of(out_dir)]
    assert len(set(observed)) == len(observed), "one photo an observation"


def test_species_share_equally(faulty_scrape):
    _, out_dir, *_ = faulty_scrape
    counts = collections.Counter((r["class"], r["species_name"]) for r in rows_of(out_dir))
    birds = [n for (animal, _), n in counts.items() if animal == "birds"]
    assert sorted(birds) == [5, 5, 5, 5]


def test_withdrawn_photos_are_recorded_and_replaced(faulty_scrape):
    _, out_dir, *_ = faulty_scrape
    failures = rows_of(out_dir, "failures.jsonl")
    found = {f["photo_id"]: (f["reason"], f["may_pass"]) for f in failures}
    assert found == {
        10000: ("withdrawn (status 404)", False),
        10010: ("refused (status 403)", True),  # until it is refused on another day
        10060: ("withdrawn (status 404)", False),
    }


def test_every_request_names_its_contact(faulty_scrape):
    fake, *_ = faulty_scrape
    assert all("test@example.org" in s.agent for s in fake.seen)


def test_pages_by_id_and_never_by_number(faulty_scrape):
    fake, *_ = faulty_scrape
    pages = [s for s in fake.seen if s.path.endswith("/observations")]
    assert pages and all("id_above" in s.params and "page" not in s.params for s in pages)


def test_credits_name_every_photo_and_verify_finds_nothing(faulty_scrape):
    _, out_dir, *_ = faulty_scrape
    text = (out_dir / "CREDITS.md").read_text()
    rows = rows_of(out_dir)
    assert all(r["path"] in text and r["attribution"] in text for r in rows)
    assert scrape(None, "verify", out_dir).returncode == 0


def test_a_second_run_asks_for_nothing(faulty_scrape):
    fake, out_dir, *_ = faulty_scrape
    before = len(fake.seen)
    assert scrape(fake, "run", out_dir, "--per_class=20").returncode == 0
    assert len(fake.seen) == before


def test_verify_names_damage(faulty_scrape):
    _, out_dir, *_ = faulty_scrape
    damaged, missing, extra = (out_dir / r["path"] for r in rows_of(out_dir)[:3])
    kept = damaged.read_bytes(), missing.read_bytes()
    damaged.write_bytes(kept[0][:-9])
    missing.rename(extra.with_name("stranger.jpg"))
    result = scrape(None, "verify", out_dir)
    damaged.write_bytes(kept[0])
    extra.with_name("stranger.jpg").rename(missing)
    assert result.returncode == 1
    for line in (
        f"{damaged.name}: checksum",
        f"{missing.name}: missing",
        "stranger.jpg: not in",
    ):
        assert line in result.stdout


def test_other_settings_are_refused(faulty_scrape):
    fake, out_dir, *_ = faulty_scrape
    result = scrape(fake, "run", out_dir, "--size=large")
    assert result.returncode == 1 and "--size=medium" in result.stderr
    assert "Traceback" not in result.stderr


def test_v1_gives_the_same_photos(faulty_scrape, tmp_path):
    fake, out_dir, *_ = faulty_scrape
    flags = f"--api_url={fake.url}/v1", "--per_class=20"
    assert scrape(fake, "run", tmp_path / "v1", *flags).returncode == 0
    assert {r["path"] for r in rows_of(tmp_path / "v1")} == {
        r["path"] for r in rows_of(out_dir)
    }


def test_the_scraper_never_turns_pages(faulty_scrape):
    fake = faulty_scrape[0]
    asked = [s.params for s in fake.seen if s.path.endswith("/observations")]
    assert asked and all(params.get("page", "1") == "1" for params in asked)
    assert any("id_above" in params for params in asked)


def test_a_species_that_runs_out_leaves_its_share(tmp_path):
    with FakeINaturalist(unit=2) as fake:
        ran = scrape(fake, "run", tmp_path, "--per_class=40", "--classes=cats")
        assert ran.returncode == 0, ran.stderr
    counts = collections.Counter(r["species_name"] for r in rows_of(tmp_path))
    assert sum(counts.values()) == 40 and counts["Puma concolor"] < 8


def test_an_observer_is_capped(tmp_path):
    with FakeINaturalist(unit=4) as fake:
        for observation in fake.observations:
            observation["user"] = {"id": observation["id"] % 10, "login": "few"}
        scrape(fake, "run", tmp_path, "--per_class=100", "--classes=cats", "--per_observer=3")
    counts = collections.Counter(r["observer_id"] for r in rows_of(tmp_path))
    assert max(counts.values()) == 3 and len(counts) == 3  # felids' ids end in 0, 1 and 2


@pytest.mark.parametrize("status", [403, 422])
def test_a_refusal_stops_at_once(tmp_path, status):
    with FakeINaturalist() as fake:
        fake.api_fault = lambda path, params: str(status)
        result = scrape(fake, "plan", tmp_path)
        assert result.returncode == 1 and len(fake.seen) == 1
    assert str(status) in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_store_that_refuses_everything_stops_the_run(tmp_path):
    with FakeINaturalist() as fake:
        fake.photo_fault = lambda photo_id: "403"
        result = scrape(fake, "run", tmp_path, "--per_class=100")
        assert len([s for s in fake.seen if s.path.startswith("/photos")]) < 40
    assert result.returncode == 1 and "status 403" in result.stderr.splitlines()[-1]
    assert not rows_of(tmp_path, "failures.jsonl"), "what an ill store says is not written down"


def test_bad_addresses_are_named_at_once(tmp_path):
    result = scrape(None, "plan", tmp_path, "--api_url=inaturalist")
    assert result.returncode == 1 and "https://host/path" in result.stderr


def test_more_may_be_wanted_later(tmp_path):
    with FakeINaturalist() as fake:
        for count in (9, 15):
            flags = f"--per_class={count}", "--classes=birds"
            assert scrape(fake, "run", tmp_path, *flags).returncode == 0
            assert len(rows_of(tmp_path)) == count
        assert max(served(fake).values()) == 1
    assert journal.settings(tmp_path)["per_class"] == 15
    assert "15" in scrape(None, "status", tmp_path).stdout


def test_a_renumbered_taxon_is_refused(tmp_path):
    with FakeINaturalist(renamed={47144: "Canis lupus familiaris"}) as fake:
        result = scrape(fake, "plan", tmp_path)
    assert result.returncode == 1 and "not Canis familiaris" in result.stderr


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--contact=", "--contact is required"),
        ("--classes=cats,unicorns", "unicorns"),
        ("--licences=gpl", "gpl"),
        ("--out_dir=", "--out_dir is required"),
        ("and_then", "plan|run|status|verify|repair"),
    ],
)
def test_bad_flags_end_in_one_line(tmp_path, flag, said):
    result = scrape(None, "run", tmp_path, flag)
    assert result.returncode == 1 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1
