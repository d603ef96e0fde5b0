"""Scrapes 600 photos from the loopback service at the real pace, killed twice.

    python -m tests.benchmarks.scrape

Prints the plan, what came, the busiest minute of API requests, what was asked twice,
and the verdict of `scrape verify`. Takes some six minutes: the
pace is the real one, and faults are waited out.
"""

import collections
import signal
import subprocess
import sys
import tempfile
import time

from tests.pipelines.fake_inaturalist import FakeINaturalist

KILL_AFTER = (15, 320)  # requests seen


def command(fake, name, out_dir):
    """A scrape command against the loopback service."""
    flags = ["--contact=test@example.org", "--per_class=200", "--timeout_s=3"]
    where = [f"--api_url={fake.url}/v2", f"--photo_url={fake.url}", f"--out_dir={out_dir}"]
    return [sys.executable, "-m", "pipelines.scrape", name, *flags, *where]


def run_killed(fake, out_dir):
    """Starts the run, kills it at each mark, lets the last one end."""
    for mark in KILL_AFTER:
        process = subprocess.Popen(command(fake, "run", out_dir), stderr=subprocess.DEVNULL)
        with fake.arrived:
            fake.arrived.wait_for(lambda mark=mark: len(fake.seen) >= mark)
        process.send_signal(signal.SIGKILL)
        process.wait()
        print(f"killed -9 after {len(fake.seen)} requests", flush=True)
    subprocess.run(command(fake, "run", out_dir), check=True)


def busiest_minute(times):
    """The most requests within any 60 seconds."""
    return max(sum(start <= t < start + 60 for t in times) for start in times)


def main():
    """Prints the record of one scrape."""
    with (
        tempfile.TemporaryDirectory() as out_dir,
        FakeINaturalist(unit=12, faults=True) as fake,
    ):
        fake.latency_s = 0.02
        subprocess.run(command(fake, "plan", out_dir), check=True)
        start = time.time()
        run_killed(fake, out_dir)
        api = [seen.time for seen in fake.seen if seen.path.startswith("/v2")]
        served = collections.Counter((s.path, str(s.params)) for s in fake.seen if s.served)
        print(f"{time.time() - start:.0f} s, {len(fake.seen)} requests, {len(api)} of them API")
        print(
            f"most API requests in a minute: {busiest_minute(api)} (limit 60 wished, 100 hard)"
        )
        print(f"answered in full more than once: {sum(n > 1 for n in served.values())}")
        print(f"faults met: {sum(not s.served for s in fake.seen)}")
        subprocess.run(command(fake, "verify", out_dir), check=True)


if __name__ == "__main__":
    main()
