"""The scraper killed over and over: nothing on disk is lost or asked again."""

import collections
import random
import signal
import subprocess
import time

import pytest

from tests.pipelines.fake_inaturalist import FakeINaturalist
from tests.pipelines.scraping import CONNECTIONS, command, rows_of, scrape, served


@pytest.mark.slow
@pytest.mark.parametrize("series", [3, 11])
def test_killed_twenty_times_it_repeats_and_loses_nothing(tmp_path, series):
    """Kill -9 at random requests; what was on disk at the kill is never asked again."""
    chance = random.Random(series)
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
        ".scrape/parts",
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
