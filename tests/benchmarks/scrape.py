"""A day's scrape in a few minutes: 20,001 photos from loopback, on a clock of its own.

    python -m tests.benchmarks.scrape [--per_class=6667]

The limits are the real ones, and so are the commands' parts; only time is made up: waiting
moves a clock that server and scraper share, an API answer takes 0.4 s of it, a photo 0.06 s
(0.25 s on four connections). Before the scrape 4.9 GB of the hour and 20 GB of the day are
used. Then the API fails for ten minutes, the photo store for fifteen and refuses everything for
two hours, one answer in fifty goes wrong all along, and the scraper is killed twice with
SIGKILL. Where a run ends before the set is whole, the next begins an hour later, as a person
would begin it.

Prints what was asked and got, the busiest minute, hour and day as the server saw them, and the
verdict of `scrape verify`; exits with 1 where a limit was crossed or the set is not exact.
"""

import argparse
import bisect
import collections
import json
import mmap
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import cv2
import numpy as np

from pipelines import scrape
from pipelines.base import files
from pipelines.base.errors import UserError
from pipelines.inaturalist import ledger, limits
from pipelines.inaturalist.client import Client
from pipelines.inaturalist.download import Downloader
from pipelines.inaturalist.journal import Journal
from pipelines.inaturalist.run import Tools, run
from pipelines.options import ScrapeOptions
from tests.pipelines.fake_inaturalist import FakeINaturalist, chosen, parse_rison
from tests.pipelines.fake_world import SPECIES, taxon_answer

START = 1_800_000_000.0
API_S, PHOTO_S = 0.4, 0.06
# Bytes before the scrape, by seconds before it: 4.9 GB of the hour, 20 GB of the day.
USED = {1500: 4_900_000_000} | {hours * 4500: 3_775_000_000 for hours in (2, 3, 4, 5)}
KILLS = (0.15, 0.45)  # of the photos
BLOCK_AT, BLOCK_S = 0.6, 2 * 3600
API_OUT = (60, 660)  # seconds after the start
STORE_OUT = (2400, 3300)
BODY = 12_000  # bytes of a photo


class SharedClock(limits.Clock):
    """A clock in a file: whoever waits moves it."""

    def __init__(self, path):
        super().__init__()
        file = open(path, "r+b")  # noqa: SIM115, it lives as long as the process
        self._memory, self._lock = mmap.mmap(file.fileno(), 8), threading.Lock()

    def now(self):
        return struct.unpack("d", self._memory[:8])[0]

    def sleep(self, seconds):
        with self._lock:
            self._memory[:8] = struct.pack("d", self.now() + seconds)


class Slow(Client):
    """A client whose answers take time of the shared clock."""

    def photo(self, url):
        self._clock.sleep(PHOTO_S)
        return super().photo(url)

    def _in_time(self, url, params):
        self._clock.sleep(API_S)
        return super()._in_time(url, params)


def worker(out_dir, clock_path, url, per_class):
    """One run of the scraper, in a process of its own, on the shared clock."""
    options = ScrapeOptions(
        out_dir=out_dir,
        per_class=per_class,
        contact="test@example.org",
        api_url=f"{url}/v2",
        photo_url=url,
        per_observer=60,
    )
    clock = SharedClock(clock_path)
    with Journal.open(out_dir, options) as journal:
        kept = limits.Limits(journal.state_dir / "limits.json", options.interval_s, clock)
        client = Slow(options.contact, options.timeout_s, options.interval_s, kept, clock)
        downloader = Downloader(client, url, journal.out_dir, options.min_side)
        tools = Tools(journal, client, downloader, kept, clock)
        animals = ["cats", "dogs", "birds"]
        try:
            chosen_ = run(tools, scrape.source_of(tools, options, animals), options, animals)
        except UserError as error:
            print(f"stopped: {error}", flush=True)
            return 1
        table, short = ledger.shortfall(chosen_, journal, options, animals)
        print(table)
        return scrape.SHORT if short else 0


class Day:
    """What the service holds and how it fares; answers of the API from an index."""

    def __init__(self, fake, clock, per_class):
        self.fake, self.clock, self.wanted = fake, clock, 3 * per_class
        self.chance, self.blocked_from = random.Random(5), None
        self.index = {taxon: self._observations(taxon, per_class) for taxon in SPECIES}
        cats = (118552, 41976, 42007)
        self.below = {
            3: [12716, 203153, 13547, 9083],
            41944: cats,
            42043: [47144, 42051, 42069],
        }
        for found in self.index.values():
            fake.photos |= {o["photos"][0]["id"]: (o, o["photos"][0]) for o in found}
        self.bodies = [self._body(seed) for seed in range(64)]
        fake.picture = lambda number, *_: (self.bodies[number % 64] + str(number).encode(), "")
        fake.api_fault, fake.photo_fault, fake.clock = self.api, self.photo, clock.now

    def _observations(self, taxon, per_class):
        """Half as many again as the class wants of each species."""
        rank = list(SPECIES).index(taxon)
        made = []
        for index in range(per_class * 3 // 2):
            number = 1000 + index * len(SPECIES) + rank
            who = number * 7919 % 4001
            photo = {
                "id": number * 10,
                "license_code": ("cc0", "cc-by", "cc-by-nc", "cc-by-nd")[number % 4],
                "url": f"https://x/photos/{number * 10}/square.jpg",
                "attribution": f"(c) observer{who}, some rights reserved",
                "original_dimensions": {"width": 2048, "height": 1536},
                "flags": [],
            }
            made.append(
                {
                    "id": number,
                    "uuid": f"u{number}",
                    "quality_grade": "research",
                    "user": {"id": who, "login": f"observer{who}"},
                    "taxon": {"id": taxon, "name": SPECIES[taxon][0], "rank": "species"},
                    "annotations": [],
                    "photos": [photo],
                }
            )
        return made

    def _body(self, seed):
        colours = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
        picture = cv2.resize(colours, (500, 375), interpolation=cv2.INTER_LINEAR)
        body = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes()
        return body + bytes(max(0, BODY - len(body)))

    def api(self, path, params):
        since = self.clock.now() - START
        if API_OUT[0] <= since < API_OUT[1]:
            return "503"
        if self.chance.random() < 0.02:
            return self.chance.choice(("503", "429", "cut", "html"))
        if path.startswith("taxa/"):
            taxon = taxon_answer(self.fake, int(path[5:]))
            return {"total_results": 1, "results": [taxon]}
        taxon = int(params["taxon_id"])
        if path.endswith("counts"):
            without = int(params.get("without_taxon_id", 0))
            taxa = [t for t in self.below.get(taxon, [taxon]) if t != without]
            found = [
                {"count": len(self.index[t]), "taxon": taxon_answer(self.fake, t)} for t in taxa
            ]
            return {"total_results": len(found), "results": found}
        found, above = self.index[taxon], int(params["id_above"])
        start = bisect.bisect_right(found, above, key=lambda o: o["id"])
        fields = parse_rison(params["fields"])
        page = [chosen(o, fields) for o in found[start : start + int(params["per_page"])]]
        return {"total_results": len(found) - start, "results": page}

    def photo(self, number):
        now = self.clock.now()
        served = len(self.fake.seen)
        if self.blocked_from is None and served > BLOCK_AT * self.wanted:
            self.blocked_from = now
        if self.blocked_from is not None and now < self.blocked_from + BLOCK_S:
            return "403"
        if STORE_OUT[0] <= now - START < STORE_OUT[1]:
            return "503"
        if number % 997 == 0:
            return "404"
        if number % 991 == 0:
            return "403"
        if self.chance.random() < 0.02:
            return self.chance.choice(("503", "html", "short", "429"))
        return None


def drive(fake, clock, out_dir, clock_path, per_class):
    """Runs, kills and begins again until the set is whole; what each run came to."""
    ends, kills = [], [share * 3 * per_class for share in KILLS]
    words = [sys.executable, "-m", "tests.benchmarks.scrape", "--worker"]
    words += [str(out_dir), str(clock_path), fake.url, f"--per_class={per_class}"]
    while not ends or ends[-1][1] not in (0, scrape.SHORT):
        began = clock.now()
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            if kills and len(fake.seen) >= kills[0]:
                process.send_signal(signal.SIGKILL)
                kills.pop(0)
            time.sleep(0.02)
        said = process.stdout.read().decode().strip().splitlines()
        ends.append((began, process.wait(), said))
        took = (clock.now() - began) / 3600
        print(
            f"run {len(ends)}: {took:.2f} h, exit {process.returncode}: {said[-1:]}", flush=True
        )
        if process.returncode == 1:
            clock.sleep(3600)
    return ends


def busiest(events, seconds):
    """The most that falls into any so many seconds, of (time, amount) pairs."""
    events, most, total, first = sorted(events), 0, 0, 0
    for when, amount in events:
        total += amount
        while events[first][0] <= when - seconds:
            total -= events[first][1]
            first += 1
        most = max(most, total)
    return most


def main():
    """Prints the record of the day."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per_class", type=int, default=6667)
    parser.add_argument("--worker", nargs=3)
    flags = parser.parse_args()
    if flags.worker:
        sys.exit(worker(*flags.worker, flags.per_class))
    shared = pathlib.Path("/dev/shm")
    place = shared if shared.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, FakeINaturalist(unit=0) as fake:
        clock_path, out_dir = pathlib.Path(folder) / "clock", pathlib.Path(folder) / "set"
        clock_path.write_bytes(struct.pack("d", START))
        (out_dir / ".scrape").mkdir(parents=True)
        minutes = {str(int((START - ago) // 60)): [0, used] for ago, used in USED.items()}
        files.write(
            out_dir / ".scrape" / "limits.json", json.dumps({"last": 0.0, "minutes": minutes})
        )
        clock = SharedClock(clock_path)
        Day(fake, clock, flags.per_class)
        began = time.time()
        drive(fake, clock, out_dir, clock_path, flags.per_class)
        took, real = clock.now() - START, time.time() - began
        sys.exit(report(fake, out_dir, flags.per_class, took, real))


def report(fake, out_dir, per_class, took, real):
    """Prints the figures; 1 where a limit was crossed or the set is not exact."""
    api = [(seen.time, 1) for seen in fake.seen if seen.path.startswith("/v2")]
    media = [(seen.time, seen.size) for seen in fake.seen]
    media += [(START - ago, used) for ago, used in USED.items()]
    rows = files.rows(out_dir / "manifest.jsonl")
    counts = collections.Counter(row["class"] for row in rows)
    species = collections.Counter(row["species_name"] for row in rows)
    twice = collections.Counter(seen.path for seen in fake.seen if seen.served)
    problems = ledger.verify(Journal(out_dir))
    failures = files.rows(out_dir / "failures.jsonl")
    figures = {
        "hours on the made-up clock": round(took / 3600, 2),
        "minutes really": round(real / 60, 1),
        "photos": dict(sorted(counts.items())),
        "photos of a species": [min(species.values()), max(species.values())],
        "requests": len(fake.seen),
        "requests to the API": len(api),
        "most API requests in a minute": busiest(api, 60),
        "most API requests in a day": busiest(api, 86400),
        "most GB in an hour": round(busiest(media, 3600) / 1e9, 4),
        "most GB in a day": round(busiest(media, 86400) / 1e9, 3),
        "photos answered in full more than once": sum(
            n > 1 for path, n in twice.items() if path.startswith("/photos/")
        ),
        "failures written down": len(failures),
        "of them lasting": sum(not row["may_pass"] for row in failures),
        "problems of verify": len(problems),
    }
    for name, value in figures.items():
        print(f"{name}: {value}")
    exact = set(counts.values()) == {per_class} and len(counts) == 3 and not problems
    kept = (
        busiest(api, 60) <= 60
        and busiest(api, 86400) <= limits.REQUESTS_A_DAY
        and busiest(media, 3600) <= limits.BYTES_AN_HOUR
        and busiest(media, 86400) <= limits.BYTES_A_DAY
    )
    print(f"exact: {exact}, within the limits: {kept}")
    return 0 if exact and kept else 1


if __name__ == "__main__":
    main()
