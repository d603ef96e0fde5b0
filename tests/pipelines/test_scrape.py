"""The scraper against a loopback iNaturalist, with its oddities, faults and kills."""

import collections
import contextlib
import json
import random
import signal
import subprocess
import sys
import time

import pytest

from pipelines import json_files
from pipelines.cli import UserError
from pipelines.inaturalist import classes, client, journal, limits, observations, plan
from tests.pipelines.fake_inaturalist import FakeINaturalist, golden

CONNECTIONS = 4


def command(fake, name, out_dir, *flags):
    address = [f"--api_url={fake.url}/v2", f"--photo_url={fake.url}"] if fake else []
    return [
        sys.executable, "-m", "pipelines.scrape", name, f"--out_dir={out_dir}",
        "--contact=test@example.org", "--interval_s=0.01", "--timeout_s=1",
        f"--connections={CONNECTIONS}", *address, *flags,
    ]  # fmt: skip


def scrape(fake, name, out_dir, *flags):
    return subprocess.run(command(fake, name, out_dir, *flags), capture_output=True, text=True)


def rows_of(out_dir, name="manifest.jsonl"):
    return json_files.rows(out_dir / name)


def served(fake):
    """How often each address was answered in full."""
    full = (s for s in fake.seen if s.served)
    return collections.Counter((s.path, tuple(sorted(s.params.items()))) for s in full)


@pytest.fixture(scope="module")
def faulty_scrape(tmp_path_factory):
    """A whole run with faults, some photos withdrawn, in between a look at status."""
    out_dir = tmp_path_factory.mktemp("scrape")
    with FakeINaturalist(unit=4, faults=True) as fake:
        fake.withdrawn.update({10000, 10010, 10060})
        planned = scrape(fake, "plan", out_dir, "--per_class=20")
        before = len([s for s in fake.seen if s.path.startswith("/photos")])
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
    assert {f["photo_id"] for f in failures} == {10000, 10010, 10060}
    assert all("withdrawn" in f["reason"] and not f["may_pass"] for f in failures)


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
        fake.refuse_all = status
        result = scrape(fake, "plan", tmp_path)
        assert result.returncode == 1 and len(fake.seen) == 1
    assert str(status) in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_store_that_refuses_everything_stops_the_run(tmp_path):
    with FakeINaturalist() as fake:
        fake.withdrawn.update(fake.photos)
        result = scrape(fake, "run", tmp_path, "--per_class=100")
        assert len([s for s in fake.seen if s.path.startswith("/photos")]) < 40
    assert result.returncode == 1 and "20 photos in a row" in result.stderr


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
        ("and_then", "plan|run|status|verify"),
    ],
)
def test_bad_flags_end_in_one_line(tmp_path, flag, said):
    result = scrape(None, "run", tmp_path, flag)
    assert result.returncode == 1 and said in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_killed_twenty_times_it_repeats_and_loses_nothing(tmp_path):
    """Kill -9 at random requests; what was on disk at the kill is never asked again."""
    chance = random.Random(3)
    flags = ("--per_class=100",)
    known = set()
    with FakeINaturalist(unit=8, faults=True, latency_s=0.01) as fake:
        for _ in range(20):
            process = subprocess.Popen(
                command(fake, "run", tmp_path, *flags),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            goal = len(fake.seen) + chance.randint(1, 26)
            with fake.arrived:
                fake.arrived.wait_for(lambda goal=goal: len(fake.seen) >= goal, timeout=30)
            time.sleep(chance.random() * 0.05)
            assert process.poll() is None, "it ended before the kill"
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.05)  # answers under way are logged
            counts = served(fake)
            assert all(counts[address] == n for address, n in known), "asked again"
            known = {(address, counts[address]) for address in settled(fake, tmp_path)}
        last = scrape(fake, "run", tmp_path, *flags)
        assert last.returncode == 0, last.stderr
        repeats = sum(n - 1 for n in served(fake).values() if n > 1)
    assert all(served(fake)[address] == n for address, n in known)
    assert repeats <= 20 * (CONNECTIONS + 1), "more repeated than was in flight"
    rows = rows_of(tmp_path)
    counts = collections.Counter(r["class"] for r in rows)
    assert counts == {"cats": 100, "dogs": 100, "birds": 100}
    assert len({r["photo_id"] for r in rows}) == 300
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("*/*")} - {
        ".scrape/journal.jsonl", ".scrape/limits.json", ".scrape/settings.json",
        ".scrape/lock", ".scrape/parts",
    } == {r["path"] for r in rows}  # fmt: skip
    assert scrape(None, "verify", tmp_path).returncode == 0


def settled(fake, out_dir):
    """Addresses whose answer lies on disk in full."""
    photos = {f"/photos/{p.stem}/" for p in out_dir.glob("*/*.jpg")}
    pages = set()
    for entry in rows_of(out_dir / ".scrape", "journal.jsonl"):
        if entry["kind"] == "page":
            pages.add((str(entry["taxon_id"]), entry["last_id"]))
    for seen in fake.seen:
        address = seen.path, tuple(sorted(seen.params.items()))
        if any(seen.path.startswith(photo) for photo in photos):
            yield address
        elif seen.path.endswith("/observations"):
            above = int(seen.params["id_above"])
            if any(t == seen.params["taxon_id"] and last > above for t, last in pages):
                yield address


class TestLimits:
    """Pace and budgets, on a clock of our own."""

    def make(self, tmp_path):
        self.now = getattr(self, "now", 1e9)
        self.slept = []

        def sleep(seconds):
            self.slept.append(seconds)
            self.now += seconds

        path = tmp_path / "limits.json"
        return limits.Limits(path, 1.1, clock=lambda: self.now, sleep=sleep)

    def test_paces_across_runs(self, tmp_path):
        self.make(tmp_path).before_request()
        self.now += 0.3
        self.make(tmp_path).before_request()
        assert self.slept == [pytest.approx(0.8, abs=1e-6)]

    def test_never_sixty_in_a_minute(self, tmp_path):
        limit, times = self.make(tmp_path), []
        for _ in range(200):
            limit.before_request()
            times.append(self.now)
        assert max(sum(t <= u < t + 60 for u in times) for t in times) <= 55

    def test_the_day_is_remembered_and_rolls(self, tmp_path):
        limit = self.make(tmp_path)
        limit._count(requests=limits.REQUESTS_A_DAY)
        with pytest.raises(UserError, match="run again tomorrow"):
            self.make(tmp_path).before_request()
        self.now += 24 * 3600 + 60
        self.make(tmp_path).before_request()

    def test_waits_for_the_hour_and_stops_for_the_day(self, tmp_path):
        limit = self.make(tmp_path)
        limit.add_bytes(limits.BYTES_AN_HOUR)
        limit.before_photo()
        assert 3600 <= sum(self.slept) <= 3660
        limit.add_bytes(limits.BYTES_A_DAY)
        with pytest.raises(UserError, match="24 GB"):
            limit.before_photo()


class TestParts:
    """Small pieces by themselves."""

    def test_water_fill(self):
        assert plan.water_fill(10, {"a": 100, "b": 2, "c": 100}) == {"b": 2, "a": 4, "c": 4}
        assert plan.water_fill(10, {"a": 3, "b": 4}) == {"a": 3, "b": 4}
        assert sorted(plan.water_fill(11, dict.fromkeys("abc", 9)).values()) == [3, 4, 4]
        assert plan.water_fill(5, {}) == {}

    def test_rison(self):
        assert (
            observations.rison({"id": True, "user": {"login": True}})
            == "(id:!t,user:(login:!t))"
        )

    @pytest.mark.parametrize(
        ("value", "seconds"), [("7", 7), ("", None), ("soon", None), ("0", 0)]
    )
    def test_retry_after(self, value, seconds):
        assert client.retry_after({"Retry-After": value}) == seconds

    def test_retry_after_date(self):
        past = client.retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
        later = client.retry_after({"Retry-After": "Wed, 21 Oct 2065 07:28:00 GMT"})
        assert past == 0 and later > 1e8

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("v1_get_observation", "24355315"),
            ("v1_get_observations_by_id", "24355315"),
            ("v2_get_observations_by_id_full", "24355315"),
            ("v1_get_observations_page1", "92152429"),
            ("v1_get_observations_page2", "licence"),
        ],
    )
    def test_real_answers(self, name, expected):
        species = classes.Species("birds", 1, "x", None, 1, classes.CLASSES["birds"][0])
        licences = ("cc-by", "cc-by-nc")
        row, reason = observations.candidate(golden(name), species, licences, "medium", 256)
        assert (str(row["photo_id"]) if row else reason) == expected
        if row:
            assert row["extension"] in ("jpg", "jpeg") and row["licence"] in licences

    def test_only_one_scrape_at_a_time(self, tmp_path):
        from pipelines.options import ScrapeOptions

        options = ScrapeOptions(out_dir=str(tmp_path))
        with journal.Journal.open(tmp_path, options):
            with contextlib.ExitStack() as stack, pytest.raises(UserError, match="another"):
                stack.enter_context(journal.Journal.open(tmp_path, options))

    def test_a_torn_line_is_cut_and_a_broken_one_named(self, tmp_path):
        from pipelines.options import ScrapeOptions

        path = tmp_path / "manifest.jsonl"
        row = dict.fromkeys(("path", "class", "species_name", "sha256", "licence"), "a")
        row |= dict.fromkeys(("photo_id", "species_id", "observer_id", "bytes"), 1)
        path.write_text(json.dumps(row) + '\n{"photo_id": 2, "pa')
        with journal.Journal.open(tmp_path, ScrapeOptions()) as opened:
            assert list(opened.manifest) == [1]
        assert path.read_text() == json.dumps(row) + "\n"
        path.write_text('{"torn\n{"photo_id": 2}\n')
        with pytest.raises(UserError, match="line 1"):
            journal.Journal(tmp_path)


def test_past_the_window_the_api_refuses_and_nothing_is_asked_again():
    with FakeINaturalist() as fake:
        caller = client.Client("test@example.org", 1.0, 0.01)
        with pytest.raises(UserError, match="403"):
            caller.get_json(f"{fake.url}/v1/observations", {"page": 51, "per_page": 200})
        assert len(fake.seen) == 1


def test_the_scraper_never_turns_pages(faulty_scrape):
    fake = faulty_scrape[0]
    asked = [s.params for s in fake.seen if s.path.endswith("/observations")]
    assert asked and all(params.get("page", "1") == "1" for params in asked)
    assert any("id_above" in params for params in asked)
