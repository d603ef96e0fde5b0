"""The open-data tables as a source: a scrape from them, and memory on a million rows."""

import collections
import gzip
import subprocess
import sys

import pytest

from pipelines.base import files
from tests.pipelines.fake_inaturalist import FakeINaturalist
from tests.pipelines.fake_world import photo_extension

# taxon id, ancestry without itself, rank level, rank, name; accents and a subspecies
TAXA = (
    (48460, "", 100, "stateofmatter", "Life"),
    (3, "48460/1/2/355675", 50, "class", "Aves"),
    (41944, "48460/1/2", 30, "family", "Felidae"),
    (42043, "48460/1/2", 30, "family", "Canidae"),
    (118552, "48460/1/2/41944", 10, "species", "Felis catus"),
    (41976, "48460/1/2/41944", 10, "species", "Lynx rufus"),
    (42007, "48460/1/2/41944", 10, "species", "Puma concolor"),
    (47144, "48460/1/2/42043", 10, "species", "Canis familiaris"),
    (42051, "48460/1/2/42043", 10, "species", "Canis latrans"),
    (42069, "48460/1/2/42043", 10, "species", "Vulpes vulpes"),
    (777, "48460/1/2/42043/42069", 5, "subspecies", "Vulpes vulpes fulva"),
    (12716, "48460/1/2/355675/3", 10, "species", "Turdus merula"),
    (203153, "48460/1/2/355675/3", 10, "species", "Parus major"),
    (13547, "48460/1/2/355675/3", 10, "species", "Passer domesticus"),
    (9083, "48460/1/2/355675/3", 10, "species", "Cardinalis cardinalis"),
    (900, "48460/1/47120", 10, "species", "Apis mellifera"),
)
COLUMNS = {
    "taxa": "taxon_id ancestry rank_level rank name active",
    "observations": "observation_uuid observer_id latitude longitude positional_accuracy "
    "taxon_id quality_grade observed_on anomaly_score",
    "photos": "photo_uuid photo_id observation_uuid observer_id extension license width height "
    "position",
    "observers": "observer_id login name",
}


def write_table(folder, name, rows):
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", compresslevel=1) as file:
        file.write("\t".join(COLUMNS[name].split()) + "\n")
        file.writelines("\t".join(map(str, row)) + "\n" for row in rows)


def write_tables(folder, observations, photos):
    folder.mkdir()
    taxa = [(t, a.replace("/", "\\") if t == 900 else a, *rest, "true") for t, a, *rest in TAXA]
    write_table(folder, "taxa", taxa)
    write_table(folder, "observations", observations)
    write_table(folder, "photos", photos)
    people = ((n, f"user{n}", 'Zoë "Q" Ångström' if n % 2 else "") for n in range(6000))
    write_table(folder, "observers", people)


def of_the_fake(fake):
    """The fake service's observations and photos as table rows."""
    observations, photos = [], []
    for o in fake.observations:
        taxon = 777 if o["asked_taxon"] == 42069 else o["asked_taxon"]
        who = o["user"]["id"]
        observations.append(
            (o["uuid"], who, 1.5, 2.5, "", taxon, o["quality_grade"], o["observed_on"], "")
        )
        for place, p in enumerate(o["photos"]):
            size = p.get("original_dimensions") or {"width": "", "height": ""}
            if p["license_code"] and photo_extension(p):
                told = photo_extension(p), p["license_code"].upper(), *size.values(), place
                photos.append((f"photo-{p['id']}", p["id"], o["uuid"], who, *told))
    return observations, photos


def test_a_scrape_from_the_tables(tmp_path):
    with FakeINaturalist(unit=6) as fake:
        write_tables(tmp_path / "dump", *of_the_fake(fake))
        command = [
            sys.executable, "-m", "pipelines.scrape", "run", "--source=dump", "--per_class=30",
            f"--dump_dir={tmp_path / 'dump'}", f"--out_dir={tmp_path / 'out'}",
            "--contact=test@example.org", f"--photo_url={fake.url}", "--interval_s=0.01",
        ]  # fmt: skip
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert all(seen.path.startswith("/photos/") for seen in fake.seen)
        before = len(fake.seen)
        assert subprocess.run(command, capture_output=True).returncode == 0
        assert len(fake.seen) == before, "a second run asks for nothing"
    rows = files.rows(tmp_path / "out" / "manifest.jsonl")
    assert collections.Counter(r["class"] for r in rows) == {
        "cats": 30,
        "dogs": 30,
        "birds": 30,
    }
    foxes = [r for r in rows if r["species_name"] == "Vulpes vulpes"]
    assert len(foxes) >= 5, "a subspecies counts as its species"
    assert {r["licence"] for r in rows} <= {"cc0", "cc-by", "cc-by-sa", "cc-by-nc"}
    assert any("Zoë" in r["attribution"] for r in rows)
    assert all(r["path"] in (tmp_path / "out" / "CREDITS.md").read_text() for r in rows)


def test_missing_tables_are_named(tmp_path):
    command = [
        sys.executable, "-m", "pipelines.scrape", "plan", "--source=dump",
        f"--dump_dir={tmp_path}", "--contact=test@example.org",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "taxa.csv.gz" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_million_rows_in_bounded_memory(tmp_path):
    """The plan of 20,000 photos and the draw of candidates stay under 500 MB."""
    count = 1_000_000
    taxa = [t for t, *_, rank, _ in TAXA if rank in ("species", "subspecies")]

    def identity(n):
        return f"{n * 2654435761 % 2**32:08x}-0000-4000-8000-000000000000"

    def observations():
        for n in range(count):
            grade = "research" if n % 3 else "casual"
            yield identity(n), n % 6000, 1, 2, "", taxa[n % len(taxa)], grade, "2020-01-09", ""

    def photos():
        for n in range(count):
            licence = ("CC-BY-NC", "CC0", "CC-BY-ND")[n % 3]
            yield n, n, identity(n), n % 6000, "jpg", licence, 2048, 1536, 0

    write_tables(tmp_path / "dump", observations(), photos())
    script = f"""
from pipelines.inaturalist.dump import DumpSource
from pipelines.options import ScrapeOptions
animals = ["cats", "dogs", "birds"]
options = ScrapeOptions(dump_dir={str(tmp_path / "dump")!r}, source="dump")
source = DumpSource(options, ["cc0", "cc-by-nc"], animals)
for animal in animals:
    species = source.supply(animal)
    rows = [source.page(one, None).rows for one in species]
    print(animal, sum(one.supply for one in species), sum(map(len, rows)))
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak[0].split()[1]) // 1024)  # not ru_maxrss: that remembers the parent's
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    *lines, peak_mb = ran.stdout.split("\n")[:4]
    assert int(peak_mb) < 500, peak_mb
    for line in lines:
        _, supply, candidates = line.split()
        assert int(supply) > 100_000 and int(candidates) > 6667
