"""Is the ladder one? The error of Telea and of one small model, level by level.

    python -m tests.benchmarks.ladder --data_dir=PHOTOS --out_dir=out/ladder

Trains one fully convolutional network at 64 px on a mixture of all the ladder's
holes, then scores it and Telea on every level with the real commands, on the test
split, and prints the table. A level with a smaller error than the one below it
makes the command fail.
"""

import json
import pathlib
import subprocess
import sys

from absl import app, flags

from pipelines.levels import LEVELS

_DATA = flags.DEFINE_string("data_dir", "", "directory of photos, one folder a class")
_OUT = flags.DEFINE_string("out_dir", "", "directory for the run and the scores")
_STEPS = flags.DEFINE_integer("steps", 2000, "training steps of the small model")
_MODELS = flags.DEFINE_multi_string("model", [], "[label=]run or export to score as well")
_LIMIT = flags.DEFINE_integer("limit", 60, "pictures scored a level; 0: all")
_MASKS = "center(size=0.25) + rectangles + thin + thick + irregular"


def call(module, *arguments):
    """Runs a command; its output is shown, its failure ends this one."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


def train(out_dir):
    """The small model's run directory; one already there is resumed."""
    run = out_dir / "run"
    call(
        "kinpaint.train",
        "--model=cnn(width=16)",
        "--losses=1*l1 + 1*l1_hole",
        f"--data_dir={_DATA.value}",
        f"--run_dir={run}",
        f"--masks={_MASKS}",
        f"--steps={_STEPS.value}",
        "--image_size=64",
        "--learning_rate=1e-3",
        "--validate_every=500",
        "--checkpoint_every=500",
        "--pictures_every=0",
    )
    return run


def score(number, run, out_dir):
    """The metrics of one level, {model: {metric: {"mean", "ci95", "n"}}}."""
    folder = out_dir / f"level{number}"
    call(
        "kinpaint.eval",
        f"--model=small={run}",
        *(f"--model={model}" for model in _MODELS.value),
        "--baselines=telea",
        f"--data_dir={_DATA.value}",
        f"--level={number}",
        "--split=test",
        f"--limit={_LIMIT.value}",
        "--lpips=none",
        f"--out_dir={folder}",
    )
    return json.loads((folder / "metrics.json").read_text())["models"]


def table(scores):
    """Markdown: a row a level and model."""
    lines = [
        "| level | picture | model | n | PSNR | L1 % | PSNR in the hole |",
        "|" + "---|" * 7,
    ]
    for number, models in scores.items():
        level = LEVELS[number]
        for name, found in models.items():
            psnr, l1, hole = (found[key] for key in ("psnr", "l1", "psnr_hole"))
            lines.append(
                f"| {number} {level.name} | {level.image_size} px | {name} | {psnr['n']} "
                f"| {psnr['mean']:.2f} | {100 * l1['mean']:.2f} | {hole['mean']:.2f} |"
            )
    return "\n".join(lines)


def falls(scores):
    """Names of models whose PSNR does not fall from some level to the next."""
    numbers = sorted(scores)
    return [
        f"{name}: level {high} is no harder than {low}"
        for low, high in zip(numbers, numbers[1:], strict=False)
        for name in scores[low]
        if scores[high][name]["psnr"]["mean"] >= scores[low][name]["psnr"]["mean"]
    ]


def main(_):
    """Trains, scores, prints."""
    out_dir = pathlib.Path(_OUT.value)
    run = train(out_dir)
    scores = {number: score(number, run, out_dir) for number in LEVELS}
    print(table(scores))
    print("\n".join(falls(scores)) or "every level is harder than the one below it")
    return 1 if falls(scores) else 0


if __name__ == "__main__":
    app.run(main)
