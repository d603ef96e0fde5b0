"""The records of a run, history.jsonl and TensorBoard's events: every step in them once.

A killed run goes on from its newest checkpoint. What it had recorded after that step is cut
off when it starts again, since those steps are made once more.
"""

import json
import math
import pathlib

import tensorflow as tf
from tensorboard.compat.proto.event_pb2 import Event

from pipelines.base import files

# Written at the start of a run, at the step where it stands, and so again at the next start.
AT_START = ("flags", "_hparams_/session_start_info")


def cut(run_dir, step):
    """Drops what was recorded after `step`; call it with the run's lock held.

    Args:
        run_dir: the run's directory.
        step: finished steps of the checkpoint that the run goes on from; 0: none.
    """
    _cut_history(pathlib.Path(run_dir) / "history.jsonl", step)
    for path in sorted(pathlib.Path(run_dir, "logs").glob("events.out.tfevents.*")):
        _cut_events(path, step)


def _cut_history(path, step):
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _step_of(line) <= step]
    if len(kept) < len(lines):
        files.write(path, b"".join(kept))


def _step_of(line):
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf  # a line cut off by a kill


def _cut_events(path, step):
    """Rewrites a file of events where it holds later ones, or a torn end."""
    kept, whole = [], True
    for record in _records_of(path):
        event = record and Event.FromString(record)
        if event and _stays(event, step):
            kept.append(record)
        else:
            whole = False
    if whole:
        return
    with (
        files.replacing(path) as unfinished,
        tf.io.TFRecordWriter(str(unfinished)) as writer,
    ):
        for record in kept:
            writer.write(record)


def _records_of(path):
    """The records of a TFRecord file; None at the end where a kill tore the last one."""
    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.DataLossError:
        yield None


def _stays(event, step):
    if not event.HasField("summary"):
        return True
    at_start = any(value.tag in AT_START for value in event.summary.value)
    return event.step < step or (event.step == step and not at_start)
