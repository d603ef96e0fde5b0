"""Runs the scraper against a loopback iNaturalist and reads what it wrote and asked."""

import collections
import subprocess
import sys

from pipelines import scrape as commands
from pipelines.base import files
from pipelines.options import ScrapeOptions

CONNECTIONS = 4


def command(fake, name, out_dir, *flags):
    address = [f"--api_url={fake.url}/v2", f"--photo_url={fake.url}"] if fake else []
    return [
        sys.executable, "-m", "pipelines.scrape", name, f"--out_dir={out_dir}",
        "--contact=test@example.org", "--interval_s=0.01", "--timeout_s=1",
        f"--connections={CONNECTIONS}", *address, *flags,
    ]  # fmt: skip


def inside(fake, name, out_dir, **flags):
    """A command within this process: its exit code. A `UserError` is raised."""
    if fake:
        flags = {"api_url": f"{fake.url}/v2", "photo_url": fake.url} | flags
    flags = {"contact": "test@example.org", "interval_s": 0.01, "timeout_s": 1.0} | flags
    return commands.COMMANDS[name](ScrapeOptions(out_dir=str(out_dir), **flags))


def scrape(fake, name, out_dir, *flags):
    return subprocess.run(command(fake, name, out_dir, *flags), capture_output=True, text=True)


def rows_of(out_dir, name="manifest.jsonl"):
    return files.rows(out_dir / name)


def served(fake):
    """How often each address was answered in full."""
    full = (s for s in fake.seen if s.served)
    return collections.Counter((s.path, tuple(sorted(s.params.items()))) for s in full)
