"""Trains the runs of a study, one after another, each in a process of its own.

A run is an ordinary run directory: interrupted, it resumes; finished, it is skipped;
with a higher --steps or --limit_cpu_minutes in the base it goes on.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys

from absl.flags import Error, FlagValues

from kinpaint.options import RESUMABLE, TrainOptions
from kinpaint.train import OPTIONS
from kinpaint.training import checkpoints, restoring, settings
from pipelines import cli, photos
from pipelines.base import files
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


def check(runs, base, data_dir):
    """Raises UserError where a run's flags will not do, before any run takes its time."""
    for run in runs:
        try:
            photo = _asked(run, [*base, *run.variant.flags], data_dir)[1].photos
            photos.find(photo.data_dir, photo.split, photo.classes)
        except UserError as error:
            raise UserError(f"the run {run.label}: {error}") from error


def _flags(run, flags, data_dir):
    return [
        *flags,
        f"--seed={run.seed}",
        f"--data_dir={data_dir}",
        f"--run_dir={run.dir}",
    ]


def refused(runs, base, data_dir):
    """{label: why} of the runs that are not what the study asks for now.

    They were trained with other flags, or on other photographs, and would stand in its
    tables under a name that says otherwise. The arguments are those of `train`.
    """
    found = {}
    for run in runs:
        flags = [*base, *run.variant.flags]
        if changed := different(run, flags, data_dir) or _other_photos(run, flags, data_dir):
            found[run.label] = f"{run.dir} {changed}: give a new --out_dir, or delete that run"
            print(f"{run.label}: {found[run.label]}", flush=True)
    return found


def different(run, flags, data_dir=""):
    """In what flags a run differs from those asked for, in words; "" where it does not.

    What is not asked for is the default, not what the run recorded: a study's flags say all
    about its runs. Those that may change when a run goes on do not count.
    """
    record = run.dir / "flags.txt"
    if not record.is_file():
        return ""
    try:
        known, asked = _asked(run, flags, data_dir)
    except UserError as error:
        return f"cannot be compared with what is asked for ({error})"
    now = {name: value for part in vars(asked).values() for name, value in vars(part).items()}
    if not known["decay_steps"].present:
        del now["decay_steps"]  # the cosine's end is that of the first start's --steps
    then = cli.recorded(record, *OPTIONS)
    changed = [
        f"--{name} is {now[name]!r}, was {then[name]!r}"
        for name in sorted(now.keys() & then.keys() - RESUMABLE - {"data_dir"})
        if now[name] != then[name]
        and (now[name] or then[name])  # not told, in two ways
        and not settings.same_place(run.dir, name, now[name], then[name])
    ]
    return f"was trained with other flags ({'; '.join(changed)})" if changed else ""


def _other_photos(run, flags, data_dir):
    newest = checkpoints.newest(run.dir)
    if not newest:
        return ""
    then = checkpoints.note(newest).get("photos")
    if not then:  # from before such keys were kept: the folder's name must do
        then = restoring.flags_of(run.dir).get("data_dir", "")
        same = os.path.realpath(then) == os.path.realpath(data_dir)
    else:
        _, asked = _asked(run, flags, data_dir)
        found = photos.find(data_dir, asked.photos.split, asked.photos.classes)
        same = settings.photos_key(found) == then
    return "" if same else f"was trained on other photographs than {data_dir} holds"


def _asked(run, flags, data_dir):
    """The flags parsed as kinpaint.train would parse them, and the settings they make."""
    known = cli.parsed(_flags(run, flags, data_dir), *OPTIONS)
    return known, settings.checked(settings.Settings(*(cli.read(o, known) for o in OPTIONS)))


def train(runs, base, data_dir):
    """Trains what is not finished; returns {label: what went wrong}.

    One run that fails does not end the study.

    Args:
        runs: `variants.Run`s.
        base: list of the flags that all share.
        data_dir: of the photos.
    """
    failed = {}
    shared = pathlib.Path(runs[0].dir).parent / "base.flags"
    shared.parent.mkdir(parents=True, exist_ok=True)
    files.write(shared, "\n".join(base) + "\n")
    for number, run in enumerate(runs, 1):
        flags = [*base, *run.variant.flags]
        if finished(run, flags):
            continue
        print(f"run {number} of {len(runs)}: {run.label}", flush=True)
        own = _flags(run, [f"--flagfile={shared}", *run.variant.flags], data_dir)
        code = _child("kinpaint.train", *own)
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
    """Whether the run, with these flags, has reached its steps or its CPU time."""
    lines = history(run)
    if not lines or different(run, flags):
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
