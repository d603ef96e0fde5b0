"""Runs the scraper against a loopback iNaturalist and reads what it wrote and asked."""

import collections
import subprocess
import sys

from pipelines.base import files

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
    return files.rows(out_dir / name)


def served(fake):
    """How often each address was answered in full."""
    full = (s for s in fake.seen if s.served)
    return collections.Counter((s.path, tuple(sorted(s.params.items()))) for s in full)
