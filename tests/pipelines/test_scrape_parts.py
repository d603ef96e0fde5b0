"""Parts of the scraper by themselves: pace and budgets, shares, candidates, the journal."""

import json

import pytest

from pipelines.base.errors import UserError
from pipelines.inaturalist import api, client, journal, limits, plan, schema
from pipelines.options import ScrapeOptions
from tests.pipelines.fake_inaturalist import FakeINaturalist
from tests.pipelines.fake_world import golden


class TestLimits:
    """Pace and budgets, on a clock of our own."""

    def make(self, tmp_path):
        self.now = getattr(self, "now", 1e9)
        self.slept = []

        def sleep(seconds):
            self.slept.append(seconds)
            self.now += seconds

        clock = limits.Clock()
        clock.now, clock.sleep = lambda: self.now, sleep
        return limits.Limits(tmp_path / "limits.json", 1.1, clock)

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
        limit.save()
        with pytest.raises(UserError, match="run again after 2001-09-10"):
            self.make(tmp_path).before_request()
        self.now += 24 * 3600 + 60
        self.make(tmp_path).before_request()

    def test_waits_for_the_hour_and_stops_for_the_day(self, tmp_path):
        limit = self.make(tmp_path)
        limit.add_bytes(limits.BYTES_AN_HOUR - 100)
        assert limit.photo_wait(100) == 0
        assert 3600 <= limit.photo_wait(101) <= 3660
        self.now += limit.photo_wait(101)
        assert limit.photo_wait(101) == 0
        limit.add_bytes(limits.BYTES_A_DAY)
        with pytest.raises(UserError, match="24 GB"):
            limit.photo_wait(1)

    def test_a_clock_set_back_neither_frees_nor_blocks(self, tmp_path):
        limit = self.make(tmp_path)
        limit.before_request()
        limit.add_bytes(1000)
        limit.save()
        self.now -= 400 * 24 * 3600
        limit = self.make(tmp_path)
        assert (limit.requests(), limit.bytes()) == (1, 1000)
        limit.before_request()
        assert max(self.slept) <= 1.1
        self.now += 25 * 3600
        assert limit.requests() == 0

    @pytest.mark.parametrize(
        "text",
        [
            '{"last": 1e999, "minutes": {}}',
            '{"last": NaN, "minutes": {}}',
            '{"last": 1.0, "minutes": {"x": [1, 2]}}',
            '{"last": 1.0, "minutes": {"1": [1, -2]}}',
            '{"last": 1.0, "minutes": {"1": [1]}}',
            '{"last": 1.0, "minutes": {"1": ["1", null]}}',
            "[]",
            "{",
        ],
    )
    def test_damaged_counts_are_named(self, tmp_path, text):
        (tmp_path / "limits.json").write_text(text)
        with pytest.raises(UserError, match="limits.json is damaged.*delete it once a day"):
            self.make(tmp_path)


class TestParts:
    """Small pieces by themselves."""

    def test_water_fill(self):
        assert plan.water_fill(10, {"a": 100, "b": 2, "c": 100}) == {"b": 2, "a": 4, "c": 4}
        assert plan.water_fill(10, {"a": 3, "b": 4}) == {"a": 3, "b": 4}
        assert sorted(plan.water_fill(11, dict.fromkeys("abc", 9)).values()) == [3, 4, 4]
        assert plan.water_fill(5, {}) == {}

    @pytest.mark.parametrize(("address", "pages"), [("v1", 12), ("v2/", 3)])
    def test_a_plan_counts_the_pages_of_its_version(self, address, pages):
        root = plan.CLASSES["cats"][0]
        species = plan.Species("cats", 1, "Felis catus", None, 1000, root)
        options = ScrapeOptions(per_class=300, api_url=f"https://a.org/{address}")
        requests = 2 * len(plan.CLASSES["cats"]) + pages  # half of the 600 asked for falls
        told = plan.table({"cats": [species]}, options)
        assert f"about {requests} API requests" in told

    def test_rison(self):
        assert api.rison({"id": True, "user": {"login": True}}) == "(id:!t,user:(login:!t))"

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
        species = plan.Species("birds", 1, "x", None, 1, plan.CLASSES["birds"][0])
        licences = ("cc-by", "cc-by-nc")
        observation = schema.fit(golden(name), schema.Observation)
        row, reason = api.candidate(observation, species, licences, "medium", 256)
        assert (str(row["photo_id"]) if row else reason) == expected
        if row:
            assert row["extension"] in ("jpg", "jpeg") and row["licence"] in licences

    def test_only_one_scrape_at_a_time(self, tmp_path):
        options = ScrapeOptions(out_dir=str(tmp_path))
        with journal.Journal.open(tmp_path, options):
            with pytest.raises(UserError, match="in use: scraping by process"):
                with journal.Journal.open(tmp_path, options):
                    pass

    def test_a_torn_line_is_cut_and_a_broken_one_named(self, tmp_path):
        path = tmp_path / "manifest.jsonl"
        row = dict.fromkeys(("path", "class", "species_name", "sha256", "licence"), "a")
        row |= dict.fromkeys(("photo_id", "species_id", "observer_id", "bytes"), 1)
        path.write_text(json.dumps(row) + '\n{"photo_id": 2, "pa')
        with journal.Journal.open(tmp_path, ScrapeOptions()) as opened:
            assert list(opened.manifest) == [1]
            opened.add_photo(row | {"photo_id": 2, "path": "b"})
        added = json.dumps(row | {"photo_id": 2, "path": "b"})
        assert path.read_text() == f"{json.dumps(row)}\n{added}\n"
        path.write_text('{"torn\n{"photo_id": 2}\n')
        with pytest.raises(UserError, match="line 1"):
            journal.Journal(tmp_path)


def test_past_the_window_the_api_refuses_and_nothing_is_asked_again(tmp_path):
    with FakeINaturalist() as fake:
        clock = limits.Clock()
        kept = limits.Limits(tmp_path / "limits.json", 0.01, clock)
        caller = client.Client("test@example.org", 1.0, 0.01, kept, clock)
        with pytest.raises(UserError, match="403"):
            caller.ask(
                f"{fake.url}/v1/observations", {"page": 51, "per_page": 200}, schema.answer
            )
        assert len(fake.seen) == 1
