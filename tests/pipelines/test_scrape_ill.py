"""The scraper before a service that misbehaves: each kind of fault by a switch of the fake."""

import collections
import json
import os
import shlex
import signal
import subprocess
import time

import pytest

from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import client, health
from pipelines.inaturalist.run import TRIES
from tests.pipelines.fake_inaturalist import FakeINaturalist, answer_of
from tests.pipelines.scraping import command, inside, rows_of

QUICK = {"interval_s": 0.001, "timeout_s": 0.3}
BIRDS = QUICK | {"classes": "birds"}


@pytest.fixture
def fake():
    with FakeINaturalist(unit=1) as fake:
        yield fake


def asked(fake, start="/photos/"):
    return [seen for seen in fake.seen if seen.path.startswith(start)]


def first(count, fault):
    """A switch that is on for the first requests only."""
    left = [count]

    def switch(*_):
        left[0] -= 1
        return fault if left[0] >= 0 else None

    return switch


def verified(out_dir, count):
    assert inside(None, "verify", out_dir) == 0
    assert len(rows_of(out_dir)) == count


class TestPhotoStore:
    """What the photo store may do, to all photos or to some."""

    @pytest.mark.parametrize(
        "fault", ["403", "503", "429", "html", "placeholder", "other size", "short", "circle"]
    )
    def test_an_ill_store_stops_the_run_and_nothing_is_lost(self, fake, tmp_path, fault):
        quick = BIRDS | {"interval_s": 0.001} if fault == "429" else BIRDS
        fake.photo_fault = lambda photo_id: fault
        for _ in range(2 if fault == "403" else 1):
            before = len(asked(fake))
            with pytest.raises(UserError, match="ill or refuses this client"):
                inside(fake, "run", tmp_path, per_class=20, **quick)
            requests = len(asked(fake)) - before
            hops = 6 if fault == "circle" else 1
            assert requests <= hops * (TRIES * health.ILL + client.WAITS + 8)
        assert not rows_of(tmp_path, "failures.jsonl")
        fake.photo_fault = lambda photo_id: None
        assert inside(fake, "run", tmp_path, per_class=40, **BIRDS) == 0
        verified(tmp_path, 40)

    def test_a_store_that_cannot_be_reached_is_ill_too(self, fake, tmp_path):
        with pytest.raises(UserError, match="ConnectionError"):
            flags = BIRDS | {"photo_url": "http://127.0.0.1:9"}
            inside(fake, "run", tmp_path, per_class=20, **flags)
        assert inside(fake, "run", tmp_path, per_class=20, **BIRDS) == 0
        verified(tmp_path, 20)

    @pytest.mark.parametrize("fault", ["403", "503", "html"])
    def test_an_illness_in_the_middle_is_waited_out(self, fake, tmp_path, fault):
        sick = iter([None] * 10 + [fault] * 13)
        fake.photo_fault = lambda photo_id: next(sick, None)
        assert inside(fake, "run", tmp_path, per_class=40, **BIRDS) == 0
        assert not rows_of(tmp_path, "failures.jsonl")
        verified(tmp_path, 40)
        lowest = sorted(row["photo_id"] for row in rows_of(tmp_path))
        fake.photo_fault = lambda photo_id: None
        assert inside(fake, "run", tmp_path / "well", per_class=40, **BIRDS) == 0
        assert lowest == sorted(row["photo_id"] for row in rows_of(tmp_path / "well"))

    def test_withdrawn_photos_in_a_row_are_no_illness(self, fake, tmp_path):
        birds = sorted(
            p for p, (o, _) in fake.photos.items() if o["quality_grade"] == "research"
        )
        fake.withdrawn = set(birds[:70])
        code = inside(fake, "run", tmp_path, per_class=9, **BIRDS)
        failed = rows_of(tmp_path, "failures.jsonl")
        assert code == 0 and 15 < len(failed) < 70
        assert all(row["reason"] == "withdrawn (status 404)" for row in failed)
        verified(tmp_path, 9)

    def test_a_wrong_address_gives_up_no_photo(self, fake, tmp_path):
        flags = BIRDS | {"photo_url": f"{fake.url}/elsewhere"}
        fake.api_fault = lambda path, params: "404" if path.startswith("photos") else None
        assert inside(fake, "run", tmp_path, per_class=20, **flags) == 3
        assert all(row["may_pass"] for row in rows_of(tmp_path, "failures.jsonl"))
        assert inside(fake, "run", tmp_path, per_class=20, **BIRDS) == 0
        verified(tmp_path, 20)

    def test_refused_again_on_another_day_is_given_up(self, fake, tmp_path, monkeypatch):
        bad = {photo_id for photo_id in sorted(fake.photos)[8:28:7]}
        fake.photo_fault = lambda photo_id: "403" if photo_id in bad else None
        for day, lasting in ((0, False), (0, False), (1, True)):
            now = time.time() + day * 86400
            monkeypatch.setattr(time, "time", lambda now=now: now)
            inside(fake, "run", tmp_path, per_class=999, **QUICK)
            told = {row["photo_id"]: row for row in rows_of(tmp_path, "failures.jsonl")}
            refused = [row for row in told.values() if "403" in row["reason"]]
            assert refused and all(row["may_pass"] != lasting for row in refused)
        before = len(fake.seen)
        inside(fake, "run", tmp_path, per_class=999, **QUICK)
        assert len([s for s in fake.seen[before:] if s.path.startswith("/photos/")]) == 0

    @pytest.mark.parametrize(
        "fault",
        [
            "endless",
            "trickle",
            "trickled headers",
            "declared",
            "nowhere",
            "other scheme",
            "bomb",
        ],
    )
    def test_one_bad_photo_is_passed_over(self, fake, tmp_path, fault, monkeypatch):
        monkeypatch.setattr(client, "PHOTO_BYTES", 2**22)
        monkeypatch.setattr("pipelines.inaturalist.run._SLACK_S", 0.2)
        monkeypatch.setattr("pipelines.inaturalist.run.TRIES", 2)
        bad = min(
            p["id"]
            for o in fake.observations
            for p in o["photos"]
            if o["asked_taxon"] == 12716 and p["license_code"] == "cc-by-nc"
        )
        fake.photo_fault = lambda photo_id: fault if photo_id == bad else None
        flags = BIRDS | {"timeout_s": 0.1}
        assert inside(fake, "run", tmp_path, per_class=24, **flags) == 0
        assert [row["photo_id"] for row in rows_of(tmp_path, "failures.jsonl")] == [bad]
        verified(tmp_path, 24)

    def test_a_photo_may_move_to_another_host(self, fake, tmp_path):
        fake.photo_fault = lambda photo_id: "other host"
        assert inside(fake, "run", tmp_path, per_class=9, **BIRDS) == 0
        verified(tmp_path, 9)

    @pytest.mark.parametrize("fault", ["short", "503", "html"])
    def test_every_byte_counts(self, fake, tmp_path, fault):
        fake.photo_fault = first(9, fault)
        inside(fake, "run", tmp_path, per_class=12, **BIRDS)
        minutes = files.one(tmp_path / ".scrape" / "limits.json")["minutes"].values()
        assert sum(size for _, size in minutes) == fake.sent


class TestApi:
    """What the API may answer."""

    ODD = {
        "photos:[null]": {"photos": [None]},
        "annotations:[null]": {"annotations": [None]},
        "taxon:text": {"taxon": "bird"},
        "user:text": {"user": "bob"},
        "id:text": {"id": "104"},
        "id:none": {"id": None},
        "id:huge": {"id": 10**30},
        "uuid:number": {"uuid": 7},
        "grade:list": {"quality_grade": []},
    }

    @pytest.mark.parametrize("name", ODD)
    def test_an_item_that_does_not_fit_is_passed_over_and_named(
        self, fake, tmp_path, capsys, name
    ):
        victim = next(o for o in fake.observations if o["asked_taxon"] == 13547)
        victim |= self.ODD[name]
        others = [o for o in fake.observations if o is not victim]
        fake.observations = others
        assert inside(fake, "run", tmp_path / "without", per_class=30, **BIRDS) == 0

        def insert(path, params):
            if path != "observations" or params["taxon_id"] != "13547":
                return None
            above = int(params["id_above"])
            found = [o for o in others if o["asked_taxon"] == 13547 and o["id"] > above]
            return {"total_results": len(found) + 1, "results": [victim, *found]}

        fake.api_fault = insert
        assert inside(fake, "run", tmp_path / "with", per_class=30, **BIRDS) == 0
        named = f"id {victim['id']}" if victim["id"] else f"of {victim['uuid']}"
        assert f"passed over an observation of Passer domesticus: {named}"[:70] in (
            capsys.readouterr().err.replace("result without id, ", "")
        )
        kept = [{row["path"] for row in rows_of(tmp_path / n)} for n in ("with", "without")]
        assert kept[0] == kept[1]

    BAD = (
        {"error": "Timeout", "status": 500},
        [1, 2],
        {"results": None},
        {"results": [], "total_results": 40},
        {"results": [None], "total_results": 40},
        {"results": {}, "total_results": "many"},
    )

    @pytest.mark.parametrize("answer", [*BAD, "html", "500", "cut", "204"], ids=str)
    def test_a_bad_page_is_asked_again(self, fake, tmp_path, answer):
        bad = first(2, answer)
        fake.api_fault = lambda path, params: bad() if path == "observations" else None
        assert inside(fake, "run", tmp_path, per_class=30, **BIRDS) == 0
        verified(tmp_path, 30)

    @pytest.mark.parametrize("answer", [BAD[0], BAD[4], "html", "503", "bomb"], ids=str)
    def test_and_is_then_an_error_after_which_all_goes_on(
        self, fake, tmp_path, answer, monkeypatch
    ):
        monkeypatch.setattr(client, "API_BYTES", 2**22)
        fake.api_fault = lambda path, params: (
            answer if path == "observations" and params["taxon_id"] == "13547" else None
        )
        with pytest.raises(UserError, match="failed .* times.*nothing is lost"):
            inside(fake, "run", tmp_path, per_class=30, **BIRDS)
        fake.api_fault = lambda path, params: None
        assert inside(fake, "run", tmp_path, per_class=30, **BIRDS) == 0
        verified(tmp_path, 30)

    def test_a_page_repeated_for_ever_ends(self, fake, tmp_path):
        page = [o for o in fake.observations if o["asked_taxon"] == 13547][:5]
        fake.api_fault = lambda path, params: (
            {"total_results": 999, "results": page} if path == "observations" else None
        )
        with pytest.raises(UserError, match="brings nothing new"):
            inside(fake, "run", tmp_path, per_class=30, **BIRDS)
        assert len(asked(fake, "/v2/observations")) < 20

    def test_exhausted_only_when_it_is_said_twice_and_agrees(self, fake, tmp_path):
        nothing = {"total_results": 0, "results": []}
        once = first(1, nothing)
        fake.api_fault = lambda path, params: once() if path == "observations" else None
        assert inside(fake, "run", tmp_path / "once", per_class=40, **BIRDS) == 0
        fake.api_fault = lambda path, params: (
            nothing if path == "observations" and params["id_above"] == "0" else None
        )
        assert inside(fake, "run", tmp_path / "ill", per_class=40, **BIRDS) == 3
        fake.api_fault = lambda path, params: None
        assert inside(fake, "run", tmp_path / "ill", per_class=40, **BIRDS) == 0
        verified(tmp_path / "ill", 40)

    def test_an_empty_supply_is_not_written_down(self, fake, tmp_path):
        fake.api_fault = lambda path, params: (
            {"total_results": 0, "results": []} if "counts" in path else None
        )
        assert inside(fake, "run", tmp_path, per_class=9, **BIRDS) == 3
        fake.api_fault = lambda path, params: None
        assert inside(fake, "run", tmp_path, per_class=9, **BIRDS) == 0

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ("circle", "in a circle"),
            ("other host", "another place"),
            ("other scheme", "another"),
        ],
    )
    def test_redirects_are_requests_like_others(self, fake, tmp_path, fault, said):
        fake.api_fault = lambda path, params: fault if path == "observations" else None
        with pytest.raises(UserError, match=said):
            inside(fake, "run", tmp_path, per_class=9, **BIRDS)
        minutes = files.one(tmp_path / ".scrape" / "limits.json")["minutes"].values()
        assert sum(count for count, _ in minutes) == len(fake.seen)

    def test_a_retired_taxon_is_refused(self, fake, tmp_path):
        taxon = {"id": 3, "name": "Aves", "is_active": False}
        fake.api_fault = lambda path, params: (
            {"total_results": 1, "results": [taxon]} if path.startswith("taxa/") else None
        )
        with pytest.raises(UserError, match="taxon 3 is retired"):
            inside(fake, "plan", tmp_path, **BIRDS)

    def test_half_a_surrogate_pair_is_no_end(self, fake, tmp_path):
        for observation in fake.observations:
            for photo in observation["photos"]:
                photo["attribution"] = "(c) \ud83d cat"
        fake.api_fault = lambda path, params: json.dumps(
            answer_of(fake, "v2", path, params)[1]
        ).encode()
        assert inside(fake, "run", tmp_path, per_class=9, **BIRDS) == 0
        assert all(row["attribution"] == "(c) ? cat" for row in rows_of(tmp_path))


class TestStops:
    """However a run ends, what it leaves is whole."""

    def test_classes_and_species_take_turns(self, fake, tmp_path):
        count = iter(range(10**6))
        fake.photo_fault = lambda photo_id: "429 a day" if next(count) >= 30 else None
        with pytest.raises(UserError, match="come back in 24.0 hours"):
            inside(fake, "run", tmp_path, per_class=40, **QUICK)
        rows = rows_of(tmp_path)
        classes = collections.Counter(row["class"] for row in rows)
        species = collections.Counter((row["class"], row["species_name"]) for row in rows)
        assert len(rows) == 30 and set(classes.values()) <= {9, 10, 11}
        for animal in classes:
            counts = [n for (name, _), n in species.items() if name == animal]
            assert max(counts) - min(counts) <= 2
        verified(tmp_path, 30)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("fault", ["trickle", None])
    def test_a_signal_ends_it_whatever_is_in_the_air(self, fake, tmp_path, number, fault):
        fake.latency_s = 0.01
        fake.photo_fault = lambda photo_id: fault
        flags = "--per_class=90", "--timeout_s=30"
        process = subprocess.Popen(
            command(fake, "run", tmp_path, *flags),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with fake.arrived:
            assert fake.arrived.wait_for(lambda: len(asked(fake)) >= 4, timeout=30)
        process.send_signal(number)
        _, said = process.communicate(timeout=20)  # the answers in the air would take 300 s
        assert process.returncode == 130 and "Traceback" not in said
        assert said.splitlines()[-1] == "interrupted"
        if (tmp_path / "manifest.jsonl").exists():
            assert inside(None, "verify", tmp_path) == 0
        assert not (tmp_path / ".scrape" / "parts").exists()

    @pytest.mark.parametrize("kilobytes", [20, 60, 120])
    def test_a_full_disk_leaves_a_whole_set(self, fake, tmp_path, kilobytes):
        """A limit on the size of files: the journal, or a photo, no longer fits."""
        limit = f"ulimit -f {kilobytes}; exec "
        words = shlex.join(command(fake, "run", tmp_path, "--per_class=20"))
        ran = subprocess.run(["bash", "-c", limit + words], capture_output=True, text=True)
        assert "Traceback" not in ran.stderr
        if ran.returncode:
            assert ran.returncode == 1 and "File too large" in ran.stderr.splitlines()[-1]
        if (tmp_path / "manifest.jsonl").exists():
            assert inside(None, "verify", tmp_path) == 0
        assert inside(fake, "run", tmp_path, per_class=20, **QUICK) == 0
        verified(tmp_path, 60)

    def test_a_folder_that_cannot_be_written_is_one_line(self, fake, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="file"):
            inside(fake, "run", tmp_path / "file" / "out", per_class=9, **BIRDS)

    def test_a_stop_says_what_it_waits_for(self, fake, tmp_path, capsys):
        fake.photo_fault = lambda photo_id: "503"
        process = subprocess.Popen(
            command(fake, "run", tmp_path, "--classes=birds", "--interval_s=0.5"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        path = tmp_path / ".scrape" / "waiting.json"
        told, deadline = "", time.monotonic() + 40
        while "waits for the photo store" not in told and time.monotonic() < deadline:
            if path.exists():
                inside(None, "status", tmp_path)
                told = capsys.readouterr().out
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
        assert "waits for the photo store" in told.splitlines()[-1]
        assert "until 20" in told.splitlines()[-1] and "UTC" in told
        assert "waits for the photo store" in said and not path.exists()


class TestRepair:
    """`repair` mends what `verify` finds, and `run` what it sees without reading files."""

    @pytest.fixture
    def scraped(self, fake, tmp_path):
        assert inside(fake, "run", tmp_path, per_class=12, **BIRDS) == 0
        return tmp_path

    def test_run_fetches_what_is_missing(self, fake, scraped):
        rows = rows_of(scraped)
        whole = (scraped / rows[1]["path"]).read_bytes()
        (scraped / rows[0]["path"]).unlink()
        (scraped / rows[1]["path"]).write_bytes(whole[:-100])
        before = len(fake.seen)
        assert inside(fake, "run", scraped, per_class=12, **BIRDS) == 0
        assert len(fake.seen) - before == 2
        verified(scraped, 12)
        assert {row["path"] for row in rows_of(scraped)} == {row["path"] for row in rows}

    def test_repair_mends_everything(self, fake, scraped, capsys):
        rows = rows_of(scraped)
        paths = [scraped / row["path"] for row in rows]
        whole = paths[1].read_bytes()
        paths[0].unlink()
        paths[1].write_bytes(whole[:-1] + b"!")
        orphan = rows[2]
        second = rows[4] | {"photo_id": 5, "sha256": "0"}
        lines = [row for row in rows if row is not orphan] + [rows[3], rows[3], second]
        text = "".join(json.dumps(row) + "\n" for row in lines)
        (scraped / "manifest.jsonl").write_text(text + '{"torn')
        (scraped / "birds" / "stranger.txt").write_text("mine")
        (scraped / "CREDITS.md").write_text("# Credits\n")
        assert inside(None, "verify", scraped) == 1
        told = capsys.readouterr().out
        for line in (
            "missing",
            "checksum mismatch",
            "not in the manifest",
            "repeat",
            "CREDITS",
        ):
            assert line in told
        assert inside(fake, "repair", scraped, **BIRDS) == 0
        told = capsys.readouterr().out
        for line in ("fetched again", "adopted", "moved to .scrape/removed", "dropped"):
            assert line in told
        verified(scraped, 12)
        assert {row["path"] for row in rows_of(scraped)} == {row["path"] for row in rows}
        assert paths[1].read_bytes() == whole
        assert (scraped / ".scrape/removed/birds/stranger.txt").read_text() == "mine"

    def test_repair_drops_what_is_gone_and_keeps_what_is_refused(self, fake, scraped):
        rows = rows_of(scraped)
        for row in rows[:3]:
            (scraped / row["path"]).unlink()
        fake.withdrawn.add(rows[0]["photo_id"])
        fake.photo_fault = lambda photo_id: "403" if photo_id == rows[1]["photo_id"] else None
        assert inside(fake, "repair", scraped, **BIRDS) == 1
        left = {row["path"] for row in rows_of(scraped)}
        assert left == {row["path"] for row in rows[1:]}
        fake.photo_fault = lambda photo_id: None
        assert inside(fake, "repair", scraped, **BIRDS) == 0
        verified(scraped, 11)


class TestAccount:
    """What a run says of what it got."""

    def test_a_shortfall_is_told_and_exits_with_3(self, fake, tmp_path, capsys):
        assert inside(fake, "run", tmp_path, per_class=300, **BIRDS) == 3
        told = capsys.readouterr().out
        got = len(rows_of(tmp_path))
        assert f"     300{got:8,}  birds: short, the source states" in told
        line = next(line for line in told.splitlines() if "Turdus merula:" in line)
        assert "the source has no more" in line and "passed over: " in line

    def test_licences_in_another_order_are_the_same(self, fake, tmp_path):
        inside(fake, "run", tmp_path, per_class=6, licences="cc0,cc-by", **BIRDS)
        assert inside(fake, "run", tmp_path, per_class=6, licences="cc-by, CC0", **BIRDS) == 0
        with pytest.raises(UserError, match="--licences"):
            inside(fake, "run", tmp_path, per_class=6, licences="cc-by", **BIRDS)

    def test_credits_are_one_safe_line_a_photo(self, fake, tmp_path):
        texts = (
            "x\n- `birds/9.jpg` *Fake*: nobody",
            "<script>alert(1)</script> &lt;b&gt;",
            "\u202eevil\u2066 \x1b[31mred\x07 \u2028line",
            "[link](https://evil.example) ![p](x) www.evil.example mail@evil.example",
            "a" * 5000,
            "\r\n\r\n# Heading | table | `code` $math$ ~~gone~~",
        )
        for index, observation in enumerate(fake.observations):
            for photo in observation["photos"]:
                photo["attribution"] = texts[index % len(texts)]
            if observation["taxon"]:
                observation["taxon"]["name"] = f"*Aves*\n{index}"
        assert inside(fake, "run", tmp_path, per_class=40, **BIRDS) == 0
        text = (tmp_path / "CREDITS.md").read_bytes().decode()
        lines = [line for line in text.split("\n") if line.startswith("- ")]
        assert len(lines) == 40 == len(text.splitlines()) - 4
        assert all(c.isprintable() for line in text.split("\n") for c in line)
        for row in rows_of(tmp_path):
            line = next(line for line in lines if f"`{row['path']}`" in line)
            assert line.endswith(
                f"[photo](https://www.inaturalist.org/photos/{row['photo_id']}))"
            )
            assert line.count("](https://") == 3 and len(line) < 700
            said = line.split(f"`{row['path']}`")[1].split(" ([")[0]
            for raw in ("<", "|", "`", "[", "://", "$", "@", "www."):
                assert raw not in said.replace("\\" + raw[0], "") or "\\" + raw[0] in said
            for raw in "<>[]`|$@~&_":
                assert said.count(raw) == said.count("\\" + raw)


def test_a_journal_line_that_does_not_fit_is_named(fake, tmp_path):
    inside(fake, "run", tmp_path, per_class=6, **BIRDS)
    journal = tmp_path / ".scrape" / "journal.jsonl"
    whole = journal.read_text()
    page = json.loads(whole.splitlines()[-1])
    row = page["rows"][0]
    for line in (
        {"kind": "page", "taxon_id": 9083},
        {"kind": "who"},
        {"kind": "supply", "class": "unicorns", "species": [{"animal": "unicorns"}]},
        page | {"rows": [row | {"path": "../../etc/passwd"}]},
        page | {"rows": [row | {"class": "../x", "path": f"../x/{row['photo_id']}.jpg"}]},
        page | {"rows": [row | {"photo_id": "7"}]},
        page | {"rejected": {"a": None}},
    ):
        journal.write_text(whole + json.dumps(line) + "\n")
        for name in ("run", "status"):
            with pytest.raises(UserError, match="journal.jsonl line .* is damaged"):
                inside(fake, name, tmp_path, per_class=6, **BIRDS)
    assert os.listdir(tmp_path / "birds")
