"""Trains the runs of a study, one after another, each in a process of its own.

A run is an ordinary run directory: interrupted, it resumes; finished, it is skipped;
with a higher --steps or --limit_cpu_minutes in the base it goes on.
"""

import json
import shlex
import subprocess
import sys

from absl.flags import Error, FlagValues

from kinpaint.options import TrainOptions
from pipelines.base.errors import UserError


def opened(text, name):
    """Flags written in one string as a list, flagfiles opened.

    Args:
        text: the flags.
        name: of the flag that holds them.

    Raises:
        UserError: a quotation without end, or a flagfile that cannot be read.
    """
    try:
        return FlagValues().read_flags_from_files(shlex.split(text))
    except (ValueError, Error) as error:
        raise UserError(f"--{name}={text!r}: {error}") from error


def train(runs, base, data_dir):
    """Trains what is not finished; returns {label: what went wrong}.

    One run that fails does not end the study.

    Args:
        runs: `variants.Run`s.
        base: list of the flags that all share.
        data_dir: of the photos.
    """
    failed = {}
    for number, run in enumerate(runs, 1):
        flags = [*base, *run.variant.flags]
        if finished(run, flags):
            continue
        print(f"run {number} of {len(runs)}: {run.label}", flush=True)
        code = _child(
            "kinpaint.train",
            *flags,
            f"--seed={run.seed}",
            f"--data_dir={data_dir}",
            f"--run_dir={run.dir}",
        )
        if code:
            failed[run.label] = f"kinpaint.train ended with exit code {code}"
            print(f"{run.label}: {failed[run.label]}; the others go on", flush=True)
    return failed


def history(run):
    """The lines of the run's history.jsonl as dicts; none before it began."""
    path = run.dir / "history.jsonl"
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def finished(run, flags):
    """Whether the run has reached its steps or its CPU time."""
    lines = history(run)
    if not lines:
        return False
    limit = float(_last(flags, "limit_cpu_minutes", run))
    reached = max(line["step"] for line in lines) >= int(_last(flags, "steps", run))
    return reached or bool(limit) and lines[-1]["cpu_minutes"] >= limit


def _last(flags, name, run):
    """The flag's value: the last one given, else what the run recorded, else the default."""
    recorded = (run.dir / "flags.txt").read_text().splitlines()
    values = [f.partition("=")[2] for f in [*recorded, *flags] if f.startswith(f"--{name}=")]
    return values[-1] if values else getattr(TrainOptions, name)


def score(models, flags, data_dir, out_dir):
    """Scores the models on the same holes with `kinpaint.eval`.

    Raises:
        UserError: it failed.
    """
    code = _child(
        "kinpaint.eval",
        *flags,
        *(f"--model={model}" for model in models),
        f"--data_dir={data_dir}",
        f"--out_dir={out_dir}",
    )
    if code:
        raise UserError(f"kinpaint.eval ended with exit code {code}: its message stands above")


def _child(module, *flags):
    """Runs one of our binaries; its output passes through. Returns its exit code."""
    child = subprocess.Popen([sys.executable, "-m", module, *flags])
    try:
        return child.wait()
    except BaseException:  # Ctrl-C or a signal: the child writes its checkpoint
        child.terminate()
        child.wait()
        raise
