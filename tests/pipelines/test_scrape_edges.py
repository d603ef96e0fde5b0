"""Flags that can bring nothing, damaged settings and tables, tables of which more is wanted."""

import gzip
import subprocess
import sys

import pytest

from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import client, dump, journal, plan
from pipelines.options import ScrapeOptions
from tests.pipelines.fake_inaturalist import FakeINaturalist
from tests.pipelines.test_dump import of_the_fake, write_tables


def scrape(name, out_dir, *flags):
    command = [
        sys.executable, "-m", "pipelines.scrape", name, f"--out_dir={out_dir}",
        "--contact=test@example.org", "--interval_s=0.01", *flags,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"connections": 0}, "--connections=0: .* of at least 1"),
        ({"timeout_s": 0.0}, "--timeout_s=0.0: .* above 0"),
        ({"max_species": -1}, "--max_species=-1: .* of at least 1"),
        ({"per_observer": 0}, "--per_observer=0: .* of at least 1"),
        ({"interval_s": -1.0}, "--interval_s=-1.0: .* of at least 0"),
        ({"size": "small"}, "at most 240 px.*--min_side=256"),
    ],
)
def test_flags_that_can_bring_no_photo_are_refused(settings, said):
    with pytest.raises(UserError, match=said):
        plan.check(ScrapeOptions(**settings))


@pytest.mark.parametrize(
    ("flags", "idle"),
    [
        (("--dump_dir=tables",), "dump_dir"),
        (("--source=dump", "--dump_dir=tables", "--api_url=http://127.0.0.1:9/v2"), "api_url"),
    ],
)
def test_a_flag_of_the_other_source_is_refused(flags, idle, tmp_path):
    result = scrape("run", tmp_path / "out", *flags)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert f"--{idle} does nothing except with the other --source" in result.stderr
    assert not (tmp_path / "out").exists()


def test_flags_are_checked_before_anything_is_asked(tmp_path):
    result = scrape("run", tmp_path / "out", "--size=small")
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("zone", ["-0000", ""])
def test_a_date_without_a_zone_is_utc(zone):
    later = client.retry_after({"Retry-After": f"Wed, 21 Oct 2065 07:28:00 {zone}"})
    assert later > 1e8


def test_settings_that_lack_a_key_are_named(tmp_path):
    (tmp_path / ".scrape").mkdir()
    (tmp_path / ".scrape" / "settings.json").write_text('{"source": "api"}')
    with pytest.raises(UserError, match="settings.json.*`licences`"):
        with journal.Journal.open(tmp_path, ScrapeOptions()):
            pass


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A service and the folder of its tables."""
    folder = tmp_path_factory.mktemp("tables") / "dump"
    with FakeINaturalist(unit=6) as fake:
        write_tables(folder, *of_the_fake(fake))
        yield fake, folder


def test_more_may_be_wanted_of_the_tables_later(tables, tmp_path):
    fake, folder = tables
    source = "--source=dump", f"--dump_dir={folder}", f"--photo_url={fake.url}"
    for count in (4, 30):
        ran = scrape("run", tmp_path, *source, f"--per_class={count}", "--classes=birds")
        assert ran.returncode == 0, ran.stderr
        assert len(files.rows(tmp_path / "manifest.jsonl")) == count
    paths = [seen.path for seen in fake.seen]
    assert len(set(paths)) == len(paths), "nothing is fetched twice"
    told = scrape("status", tmp_path).stdout.splitlines()[1].split()
    assert told[:3] == ["birds", "30", "30"], "what the last run wanted"


def test_a_plan_of_the_tables_counts_no_requests(tables, tmp_path):
    planned = scrape("plan", tmp_path, "--source=dump", f"--dump_dir={tables[1]}")
    assert planned.returncode == 0 and "photos, about" in planned.stdout
    assert "API requests" not in planned.stdout


@pytest.mark.parametrize("damage", ["cut off", "no gzip", "empty", "no text"])
def test_a_damaged_table_is_named(tables, tmp_path, damage):
    for path in tables[1].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    victim = tmp_path / "observations.csv.gz"
    whole = victim.read_bytes()
    text = gzip.decompress(whole)
    damaged = {
        "cut off": whole[: len(whole) // 2],
        "no gzip": text,
        "empty": b"",
        "no text": gzip.compress(text + b"\xff\xff"),
    }
    victim.write_bytes(damaged[damage])
    source = dump.DumpSource(ScrapeOptions(dump_dir=str(tmp_path)), ("cc0",), ["birds"])
    with pytest.raises(UserError, match="observations.csv.gz is cut off or damaged"):
        source.supply("birds")
