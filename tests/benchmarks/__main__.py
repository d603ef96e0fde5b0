"""All benchmarks, one after another, each in a process of its own; one table, one JSON file.

    python -m tests.benchmarks
    python -m tests.benchmarks --only=masks --only=models --out=out/benchmarks.json

A benchmark that fails is told and the others go on; the exit code is then 1. Before each
stands the rate of a float32 matrix product, so that a machine that slowed down shows.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

PARTS = {
    "masks": "tests.benchmarks.masks",
    "pipeline": "tests.benchmarks.pipeline",
    "models": "tests.benchmarks.models",
    "training": "tests.benchmarks.training",
    "evaluation": "tests.benchmarks.evaluation",
    "completion": "tests.benchmarks.serving",
    "lama": "tests.benchmarks.lama",
}
PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "opencv-python-headless", "scikit-image")
LONGEST_S = 3600
COLUMNS = re.compile(r"(\S.*?)\s{2,}(\S.*)")
SENTENCE = re.compile(r"(\S.*?):\s+(\S.*)")


def machine():
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _cpu():
    path = pathlib.Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", path.read_text()) if path.exists() else []
    return names[0] if names else platform.processor()


def matmul_rate():
    """GFLOP/s of a float32 product of side 2048; None where it cannot be measured."""
    code, printed, _ = _run([sys.executable, "-m", "tests.benchmarks.pace"], 300)
    return float(printed.split()[-2]) if code == 0 else None


def measured(module):
    """Runs one benchmark: its rows, the matrix rate before it, seconds, and what went wrong."""
    rate, started = matmul_rate(), time.perf_counter()
    code, printed, complaint = _run([sys.executable, "-m", module], LONGEST_S)
    return {
        "gflops": rate,
        "seconds": round(time.perf_counter() - started, 1),
        "rows": rows(printed),
        "failed": "" if code == 0 else complaint.strip().splitlines()[-1:] or f"exit {code}",
    }


def rows(printed):
    """[name, figures] of every line of a benchmark's table, or of its sentences."""
    lines = [line.strip() for line in printed.splitlines()]
    found = (COLUMNS.fullmatch(line) or SENTENCE.fullmatch(line) for line in lines)
    return [[row[1].rstrip(":"), " ".join(row[2].split())] for row in found if row]


def _run(command, seconds):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env=environment
        )
    except subprocess.TimeoutExpired:
        return 124, "", f"took longer than {seconds} s"
    return done.returncode, done.stdout, done.stderr


def table(results):
    """All rows under their benchmark, as aligned text."""
    lines = []
    for name, result in results.items():
        lines.append(
            f"{name}  ({result['seconds']} s; matrix product {result['gflops']} GFLOP/s)"
        )
        lines += [f"    {row:44}{figures}" for row, figures in result["rows"]]
        lines += [f"    FAILED: {result['failed']}"] if result["failed"] else []
    return "\n".join(lines)


def main():
    """Runs what was asked for; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), help="repeatable")
    parser.add_argument("--out", default="out/benchmarks.json")
    arguments = parser.parse_args()
    results, about = {}, machine()
    for name in arguments.only or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        results[name] = measured(PARTS[name])
        path = pathlib.Path(arguments.out)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": about, "benchmarks": results}, indent=1) + "\n")
    print(table(results))
    print(arguments.out)
    return 1 if any(result["failed"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
