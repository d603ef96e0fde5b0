"""Ten thousand damaged files through every reader: no crash, no hang, one documented error.

    python -m tests.benchmarks.fuzz [--inputs=10000] [--first=0] [--seed=0]

Prints how many files each reader read and refused, and the seconds it took.
"""

import argparse
import collections
import time

from tests import fuzzing


def main():
    """Runs all inputs; AssertionError names the first that broke a reader."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    fuzz, counts = fuzzing.Fuzz(arguments.seed), collections.Counter()
    started = time.perf_counter()
    for count in range(1, arguments.inputs + 1):
        counts += fuzz.run([arguments.first + count - 1])
        if count % 1000 == 0:
            print(f"{count:,} inputs, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"{'reader':20}{'read':>8}{'refused':>9}")
    for reader in sorted({name for name, _ in counts}):
        print(f"{reader:20}{counts[reader, 'read']:8,}{counts[reader, 'refused']:9,}")


if __name__ == "__main__":
    main()
