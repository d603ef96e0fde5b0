"""Whether a long training's memory grows: a tiny model, everything on, its slope printed.

    TF_NUM_INTRAOP_THREADS=1 python -m tests.benchmarks.soak [--minutes=30] [--steps=20000]

Runs `kinpaint.train` on the embedded sample with a discriminator, an averaged generator, logs,
checkpoints, validations and pictures, each every 100 or 200 steps, until both bounds are
passed; then stops it with SIGTERM. Memory is the process's anonymous pages (what is
allocated, without mapped files). The slope is fitted through the means of twenty equal
stretches after the first quarter of the steps, which is left out as warm-up; a stretch's
samples depend on each other, so its mean counts as one observation.
"""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from pipelines import sample

FLAGS = (
    "--model=cnn(width=4, depth=2)",
    "--discriminator=sn_patch(width=4)",
    "--losses=l1_hole",
    "--image_size=16",
    "--masks=strokes",
    "--batch_size=1",
    "--steps=100000000",
    "--ema=0.9",
    "--checkpoint_every=100",
    "--validate_every=100",
    "--validation_pictures=4",
    "--pictures_every=200",
    "--log_every=20",
)
WARM_UP = 0.25  # share of the steps
STRETCHES = 20


def memory(process):
    """Anonymous resident bytes of a process."""
    lines = pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024


def newest_step(run_dir):
    """The last logged step; 0 before the first."""
    try:
        with open(run_dir / "history.jsonl", "rb") as history:
            history.seek(-4096, 2) if history.seek(0, 2) > 4096 else history.seek(0)
            return json.loads(history.read().splitlines()[-1])["step"]
    except (OSError, ValueError, IndexError):
        return 0


def watch(process, run_dir, minutes, steps):
    """(step, bytes) every second until both bounds are passed; a line a minute."""
    started, said, samples = time.monotonic(), 0.0, []
    while process.poll() is None:
        elapsed, step = (time.monotonic() - started) / 60, newest_step(run_dir)
        if step:
            samples.append((step, memory(process)))
        if step and elapsed >= said:
            said = elapsed + 1
            print(f"{elapsed:6.1f} min {step:7,} {samples[-1][1] / 1e6:8.1f} MB", flush=True)
        if elapsed >= minutes and step >= steps:
            return samples
        time.sleep(1)
    raise SystemExit("the training ended by itself")


def slope(samples):
    """Bytes a step after the warm-up, and its standard error."""
    step, size = np.array(samples, float).T
    warm = step >= WARM_UP * step[-1]
    x, y = (
        [part.mean() for part in np.array_split(values[warm], STRETCHES)]
        for values in (step, size)
    )
    (fitted, _), covariance = np.polyfit(x, y, 1, cov=True)
    return fitted, np.sqrt(covariance[0, 0])


def main():
    """Trains, watches, prints the slope."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=20000)
    bounds = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos, run_dir = pathlib.Path(folder, "photos"), pathlib.Path(folder, "run")
        sample.write(sample.SampleOptions(out_dir=str(photos), crops=6, crop_size=64))
        command = [sys.executable, "-m", "kinpaint.train", *FLAGS]
        command += [f"--data_dir={photos}", f"--run_dir={run_dir}"]
        process = subprocess.Popen(command)
        try:
            samples = watch(process, run_dir, bounds.minutes, bounds.steps)
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=300)
        finally:
            process.kill()
    fitted, error = slope(samples)
    print(f"{samples[-1][0]:,} steps; {samples[-1][1] / 1e6:.1f} MB at the end")
    print(f"slope after warm-up: {fitted:.1f} +- {error:.1f} bytes a step")


if __name__ == "__main__":
    main()
