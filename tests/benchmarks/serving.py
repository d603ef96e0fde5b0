"""What completing costs: cold start, a 12 megapixel photo, a folder of small ones.

    python -m tests.benchmarks.serving [cold] [large] [huge] [folder] [--count=1000]

Each part runs in processes of its own on untrained networks; beside them stands the
rate of a float32 matrix product of side 2048, measured before and after. The folder and the
network alone take turns, so that both meet the same load of the machine.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

TURN = 25  # pictures a turn that the network does alone; of files four times as many
MODEL = {"name": "bench", "model": "gated", "model_settings": {"width": 48}}


def main():
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--count", type=int, default=1000, help="pictures of the folder")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kinpaint-bench-"))
    _in_a_process("export", folder)
    for part in arguments.parts or ["cold", "large", "folder"]:
        print(pace(), flush=True)
        print(PARTS[part](folder, arguments.count), flush=True)
    print(pace())


def cold(folder, _):
    """`kinpaint.complete` on one 256 px picture, from the shell to the file."""
    _picture(folder / "one.png", 256, 256, 0)
    _mask(folder / "mask.png", 256, 256, [(80, 60)])
    seconds = []
    for k in range(3):
        seconds.append(_complete(folder, "one.png", "mask.png", f"one_{k}.png")[0])
    return f"cold start: {min(seconds):.2f} s (best of 3: {[round(s, 2) for s in seconds]})"


def large(folder, _):
    """A 4000 x 3000 JPEG with three holes of 150, 400 and 900 px."""
    _picture(folder / "large.jpg", 3000, 4000, 1)
    _mask(folder / "large.png", 3000, 4000, [(300, 150), (1200, 400), (1800, 900)])
    used = _complete(folder, "large.jpg", "large.png", "large_out.png")
    return f"12 megapixels, 3 holes: {_told(used)}"


def huge(folder, _):
    """An 8660 x 5774 JPEG, 50 megapixels, with three holes of 300, 1000 and 2500 px."""
    _picture(folder / "huge.jpg", 5774, 8660, 2)
    _mask(folder / "huge.png", 5774, 8660, [(300, 300), (1200, 1000), (2800, 2500)])
    used = _complete(folder, "huge.jpg", "huge.png", "huge_out.png", "cnn")
    return f"50 megapixels, 3 holes, cnn: {_told(used)}"


def _told(used):
    seconds, cpu_seconds, kilobytes = used
    return f"{seconds:.1f} s ({cpu_seconds:.1f} s of CPU), peak {kilobytes / 2**20:.2f} GB"


def small_folder(folder, count):
    """Pictures of 256 px against the network alone on the same pictures."""
    for k in range(count):
        _picture(folder / "many" / f"{k:04d}.jpg", 256, 256, k)
    return f"folder of {count} at 256 px: " + _in_a_process("speed", folder)


PARTS = {"cold": cold, "large": large, "huge": huge, "folder": small_folder}


def _picture(path, height, width, seed):
    path.parent.mkdir(exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path)


def _mask(path, height, width, squares):
    mask = np.zeros((height, width), np.uint8)
    for corner, side in squares:
        mask[corner : corner + side, corner : corner + side] = 255
    Image.fromarray(mask).save(path)


def _complete(folder, image, mask, output, model="bench"):
    """Seconds, CPU seconds and peak resident kilobytes of the command."""
    command = [sys.executable, "-m", "kinpaint.complete", f"--model={folder / model}"]
    flags = {"image": image, "mask": mask, "output": output}
    command += [f"--{name}={folder / value}" for name, value in flags.items()]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss


def pace():
    """What `tests.benchmarks.pace` prints: TensorFlow stays out of this process."""
    return _printed("pace")


def _in_a_process(step, folder):
    return _printed("serving", "--step", step, str(folder))


def _printed(module, *arguments):
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _export(folder):
    from kinpaint import models
    from kinpaint.serving import exporting

    for name in ("gated", "cnn"):
        settings = MODEL["model_settings"] if name == "gated" else {}
        base = folder / ("bench" if name == "gated" else "cnn")
        card = MODEL | {"name": base.name, "model": name, "model_settings": settings}
        exporting.export_network(models.build(name, **settings), base, card)


def _speed(folder):
    import kinpaint
    from kinpaint.completion import jobs, runner
    from kinpaint.completion.options import CompleteOptions

    model = kinpaint.load(folder / "cnn")
    options = CompleteOptions(
        model="cnn",
        image=str(folder / "many"),
        mask=str(folder / "mask.png"),
        output=str(folder / "many_out"),
    )
    _mask(folder / "mask.png", 256, 256, [(80, 60)])
    found = jobs.find(options)
    hole = np.asarray(Image.open(folder / "mask.png")) >= 128
    pictures = [np.asarray(Image.open(job.image)) for job in found[:TURN]]

    def alone(_):
        for picture in pictures:
            model.complete_batch(picture[None], hole[None, ..., None])
        return len(pictures)

    def batch(jobs):
        return runner.run(jobs, model, options)["done"]

    alone(None)  # TensorFlow prepares its kernels
    turns = [found[start : start + 4 * TURN] for start in range(0, len(found), 4 * TURN)]
    rates = np.array([[_rate(work, jobs) for work in (alone, batch)] for jobs in turns])
    network, files = 1.0 / np.mean(1.0 / rates, axis=0)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{files:.1f} pictures/s, network alone {network:.1f}: {files / network:.0%} "
        f"(cnn, batch 1; {len(turns)} turns), peak {used:.2f} GB"
    )


def _rate(work, jobs):
    """Pictures a second."""
    started = time.perf_counter()
    return work(jobs) / (time.perf_counter() - started)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        {"export": _export, "speed": _speed}[sys.argv[2]](pathlib.Path(sys.argv[3]))
    else:
        main()
