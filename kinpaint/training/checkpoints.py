"""Checkpoints that a killed machine cannot spoil.

A checkpoint is a directory `RUN/checkpoints/step-00001000/` with one TensorFlow
checkpoint (`state.index`, `state.data-*`) and `note.json`. It is written under a
temporary name, read back in full (TensorFlow verifies the checksum of every
tensor it reads), flushed to disk and only then renamed, so that a directory of
that name is whole. `newest` verifies again and falls back to the one before.

The state is a dict of groups, each a dict of named variables:
`network`, `critic`, `ema` (the generator's moving average), `optimizer`,
`critic_optimizer`. Names come from the layers, so that one group can be read
without the others and without building an optimizer.
"""

import errno
import json
import os
import pathlib
import shutil

import tensorflow as tf

from pipelines.base.errors import UserError


def named(model):
    """Every variable of a Keras model by its path below the model: {path: variable}."""
    found = {}
    for variable in model.variables:
        name = name_of(variable)
        if name in found:
            raise ValueError(f"two variables of {model.name} are called {name}")
        found[name] = variable
    return found


def name_of(variable):
    """A variable's path below its model."""
    return variable.path.split("/", 1)[-1]


def numbered(optimizer):
    """An optimizer's variables in their order of creation: {'003_momentum': variable}."""
    return {f"{i:03d}_{v.name}": v for i, v in enumerate(optimizer.variables)}


def write(run_dir, step, state, note=None, *, keep=3, pinned=(), chief=True):
    """Writes checkpoint `step` and removes old ones.

    Args:
        run_dir: the run's directory.
        step: training step, int.
        state: {group: {name: variable}}.
        note: JSON-able facts stored beside the tensors.
        keep: how many of the newest to keep.
        pinned: steps that are kept whatever their age.
        chief: under several workers everyone must call this; only the chief's
            files are kept.

    Returns:
        Path of the checkpoint's directory.

    Raises:
        UserError: the disk is full; what was there before is untouched.
    """
    folder = pathlib.Path(run_dir) / "checkpoints"
    final = folder / name(step)
    temporary = folder / f".writing-{step:08d}-{os.getpid()}"
    try:
        temporary.mkdir(parents=True, exist_ok=True)
        prefix = str(temporary / "state")
        tf.train.Checkpoint(**state).write(prefix)
        if not chief:
            shutil.rmtree(temporary)
            return final
        (temporary / "note.json").write_text(json.dumps({"step": step, **(note or {})}))
        verify(temporary)
        for path in (*temporary.iterdir(), temporary):
            _flush(path)
        if final.exists():
            shutil.rmtree(final)
        temporary.rename(final)
        _flush(folder)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise _explained(error, final) from error
    _rotate(folder, step, keep, {*pinned, step})
    return final


def _explained(error, final):
    full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
    cause = "the disk is full" if full else str(error).splitlines()[0]
    kept = newest(final.parent.parent)
    last = f"the last good checkpoint is {kept}" if kept else "no earlier checkpoint exists"
    return UserError(f"cannot write {final}: {cause}; {last}; make room and start again")


def _flush(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rotate(folder, step, keep, pinned):
    steps = [p for p in _finished(folder) if step_of(p) not in pinned]
    for old in steps[: max(0, len(steps) - keep + 1)]:
        shutil.rmtree(old, ignore_errors=True)
    # Another worker may still be writing its copy of this step: left-overs are of other steps.
    for left in folder.glob(".writing-*"):
        if int(left.name.split("-")[1]) != step:
            shutil.rmtree(left, ignore_errors=True)


def _finished(folder):
    return sorted(folder.glob("step-*"))


def name(step):
    """The name of a step's checkpoint directory."""
    return f"step-{step:08d}"


def step_of(path):
    """The training step of a checkpoint directory."""
    return int(pathlib.Path(path).name.split("-")[1])


def verify(path):
    """Reads every tensor back, which checks its checksum; raises OSError at damage."""
    try:
        reader = tf.train.load_checkpoint(str(pathlib.Path(path) / "state"))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
        json.loads((pathlib.Path(path) / "note.json").read_text())
    except (OSError, LookupError, ValueError, RuntimeError, tf.errors.OpError) as error:
        reason = str(error).splitlines()[0][:160]  # the reader maps damage to any of these
        raise OSError(reason) from error


def newest(run_dir, log=print):
    """The newest whole checkpoint's directory, or None; damaged ones are named and skipped."""
    for path in reversed(_finished(pathlib.Path(run_dir) / "checkpoints")):
        try:
            verify(path)
            return path
        except OSError as error:
            log(f"checkpoint {path} is damaged ({error}); using the one before")
    return None


def note(path):
    """The facts stored with a checkpoint."""
    return json.loads((pathlib.Path(path) / "note.json").read_text())
