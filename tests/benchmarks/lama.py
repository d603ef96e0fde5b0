"""Big-lama's generator beside plain PyTorch: seconds a picture and memory, on the CPU.

    python -m tests.benchmarks.lama
    python -m tests.benchmarks.lama --torch_python=VENV/bin/python

PyTorch is no dependency: it is timed where `--torch_python` (default: this Python) has it. Both
take turns, each time in a process of its own, and the best of all rounds counts. Weights
are as drawn, which takes as long as trained ones.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

TORCH = pathlib.Path(__file__).with_name("lama_torch.py")
CASES = [(dtype, side) for side in (256, 512) for dtype in ("float32", "mixed_bfloat16")]
REPEATS = 4


def ours(dtype, side, repeats):
    """What a child prints: seconds and the memory that running took, in GB."""
    import tensorflow as tf

    from kinpaint import models

    network = models.build("lama", dtype=dtype)
    call = tf.function(lambda image, mask: network({"image": image, "mask": mask})["output"])
    batch = tf.random.uniform((1, side, side, 3), -1, 1), tf.zeros((1, side, side, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call(*batch).numpy()
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": min(seconds), "gb": (peak - before) / 1e6}))


def child(*command):
    """The last line that a process prints, as JSON; None where it fails."""
    result = subprocess.run([*map(str, command)], capture_output=True, text=True)
    return json.loads(result.stdout.splitlines()[-1]) if result.returncode == 0 else None


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch_python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", nargs=3, metavar=("DTYPE", "SIDE", "REPEATS"))
    arguments = parser.parse_args()
    if arguments.child:
        dtype, side, repeats = arguments.child
        ours(dtype, int(side), int(repeats))
        return
    print(f"{'lama, 1 picture':>24} {'s':>8} {'GB':>6} {'torch s':>8} {'GB':>6} {'share':>6}")
    for dtype, side in CASES:
        runs = {"ours": [], "torch": []}
        for _ in range(arguments.rounds):
            here = (sys.executable, "-m", "tests.benchmarks.lama", "--child")
            runs["ours"].append(child(*here, dtype, side, REPEATS + 1))
            there = (arguments.torch_python, TORCH, dtype, side, REPEATS)
            runs["torch"].append(child(*there))
        rows = []
        for found in runs.values():
            found = [run for run in found if run]
            rows.append(
                [min(run[key] for run in found) for key in ("seconds", "gb")] if found else None
            )
        figures = " ".join(
            f"{row[0]:8.3f} {row[1]:6.2f}" if row else f"{'-':>8} {'-':>6}" for row in rows
        )
        share = f"{rows[0][0] / rows[1][0]:6.2f}" if all(rows) else f"{'-':>6}"
        print(f"{dtype.removeprefix('mixed_'):>17} {side:4} px {figures} {share}", flush=True)


if __name__ == "__main__":
    main()
