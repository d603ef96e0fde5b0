"""A run goes on: alone in its directory, every step recorded once, wherever its data lies."""

import json
import os
import pathlib
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kinpaint.training import callbacks, checkpoints, records, session
from kinpaint.training import settings as settings_
from pipelines import photos
from pipelines.base.errors import UserError
from tests.pipelines.test_files import holder
from tests.training.test_session import settings

ALONE = {"discriminator": "none", "image_size": 16, "model": "cnn(width=4, depth=1)"}
FIXED = {"validate_every": 1000, "pictures_every": 1000, "validation_pictures": 2}


def history(run_dir):
    return [json.loads(line) for line in (run_dir / "history.jsonl").open()]


def tensorboard(run_dir):
    """{tag: steps} of everything in a run's event files."""
    events = EventAccumulator(str(run_dir / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    return {tag: [e.step for e in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def raw_steps(run_dir, tag):
    """The steps as they stand in the files, whatever a reader makes of them."""
    found = []
    for path in sorted((run_dir / "logs").glob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            found += [event.step for value in event.summary.value if value.tag == tag]
    return found


@pytest.mark.parametrize("saved", [2, 0])
def test_steps_are_recorded_once_after_a_kill(sample_dir, tmp_path, saved):
    """Killed after step 4, when its newest checkpoint was of step 2, or before the first."""
    made = settings(
        sample_dir, tmp_path / "run", steps=4, log_every=1, checkpoint_every=2, **ALONE
    )
    run = session.train(made)
    for path in (run.dir / "checkpoints").iterdir():
        if checkpoints.step_of(path) > saved:
            shutil.rmtree(path)
    (events,) = (run.dir / "logs").iterdir()
    events.write_bytes(events.read_bytes()[:-3])  # torn
    with open(run.dir / "history.jsonl", "a") as torn:
        torn.write('{"step": 5, "lo')
    session.train(made)
    assert [row["step"] for row in history(run.dir)] == [1, 2, 3, 4]
    assert raw_steps(run.dir, "train/loss") == [1, 2, 3, 4]
    assert raw_steps(run.dir, "flags") == sorted({0, saved})


def test_cutting_what_is_not_there_changes_nothing(tmp_path):
    records.cut(tmp_path, 3)
    (tmp_path / "history.jsonl").write_text('{"step": 3}\n')
    before = (tmp_path / "history.jsonl").stat()
    records.cut(tmp_path, 3)
    assert (tmp_path / "history.jsonl").stat() == before


def test_history_keeps_the_whole_number(sample_dir, tmp_path):
    rate = 3.3e-8
    run = session.train(settings(sample_dir, tmp_path / "run", learning_rate=rate, **ALONE))
    (row,) = history(run.dir)
    assert row["learning_rate"] == float(np.float32(rate))


@pytest.mark.parametrize("ended_by", ["steps", "limit_cpu_minutes", "SIGINT", "SIGTERM"])
def test_the_last_step_is_validated_drawn_and_saved_however_a_run_ends(
    sample_dir, tmp_path, monkeypatch, ended_by
):
    changes = {"steps": 3}
    if ended_by != "steps":
        changes = {"steps": 1000}
    if ended_by == "limit_cpu_minutes":
        changes[ended_by] = 1e-6  # asked for in step 1; all workers stop together after 2
    if ended_by.startswith("SIG"):
        number = getattr(signal, ended_by)
        plain = callbacks.Limits.on_train_batch_end

        def told(self, batch, logs=None):
            if batch == 2:
                signal.raise_signal(number)
            plain(self, batch, logs)

        monkeypatch.setattr(callbacks.Limits, "on_train_batch_end", told)
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    run = session.train(settings(sample_dir, tmp_path / "run", **ALONE, **FIXED, **changes))
    last = 2 if ended_by == "limit_cpu_minutes" else 3
    reason = {"SIGINT": "Ctrl-C", "SIGTERM": "SIGTERM", "steps": ""}.get(
        ended_by, "--limit_cpu"
    )
    assert run.step == last and reason in run.stop
    assert [r["step"] for r in history(run.dir) if "val_psnr_hole" in r] == [last]
    assert tensorboard(run.dir)["completions"] == [last]
    path = checkpoints.newest(run.dir)
    assert checkpoints.step_of(path) == last
    note = checkpoints.note(path)
    assert note["best_step"] == last and note["best"] == run.best
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_second_ctrl_c_does_not_wait(sample_dir, tmp_path, monkeypatch):
    def twice(self, batch, logs=None):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(callbacks.Limits, "on_train_batch_end", twice)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        session.train(settings(sample_dir, tmp_path / "run", **ALONE))
    assert signal.getsignal(signal.SIGINT) == before


def test_a_run_directory_has_one_training_and_a_killed_one_does_not_hold_it(
    sample_dir, tmp_path
):
    made = settings(sample_dir, tmp_path / "run", steps=1, **ALONE)
    session.train(made)
    before = {p: p.stat().st_mtime_ns for p in made_files(tmp_path / "run")}
    child = holder(tmp_path / "run")
    try:
        with pytest.raises(UserError) as caught:
            session.train(settings(sample_dir, tmp_path / "run", steps=2, **ALONE))
        message = str(caught.value)
        assert f"training by process {child.pid} on " in message and " since " in message
        assert "\n" not in message
        assert before == {p: p.stat().st_mtime_ns for p in made_files(tmp_path / "run")}
        measured = settings(sample_dir, tmp_path / "run", steps=2, dry_run=True, **ALONE)
        session.train(measured)  # reads only
    finally:
        child.kill()
        child.wait()
    assert session.train(settings(sample_dir, tmp_path / "run", steps=2, **ALONE)).step == 2
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"flags.txt", "checkpoints", "logs", "history.jsonl", "dry_run.png"}


def made_files(run_dir):
    return [p for p in run_dir.rglob("*") if p.is_file() and not p.name.startswith(".lock")]


def test_moved_data_and_other_spellings_are_the_same_place(sample_dir, tmp_path, monkeypatch):
    made = settings(sample_dir, tmp_path / "run", steps=1, **ALONE)
    run = session.train(made)

    def same(now, name="data_dir", then=str(sample_dir)):
        return settings_.same_place(run.dir, name, str(now), then)

    copied = tmp_path / "copied"
    shutil.copytree(sample_dir, copied, copy_function=shutil.copyfile)
    monkeypatch.chdir(tmp_path)
    assert same(f"{sample_dir}/") and same(os.path.relpath(sample_dir))
    assert same(copied) and same("copied", then="../gone")
    assert same(copied, "feature_weights_dir", str(sample_dir))
    assert not same(copied, "discriminator") and not same(tmp_path / "gone")
    trained = sorted(pathlib.Path(photo.path) for photo in photos.find(copied, "train"))
    pixels = np.asarray(Image.open(trained[0]).convert("RGB"))
    Image.fromarray(255 - pixels).save(trained[0])
    assert not same(copied)


def test_photographs_that_changed_under_their_name_are_told(tmp_path, sample_dir, capsys):
    copied = tmp_path / "copied"
    shutil.copytree(sample_dir, copied)
    session.train(settings(copied, tmp_path / "run", steps=1, **ALONE))
    session.train(settings(copied, tmp_path / "run", steps=2, **ALONE))
    assert "photographs are not those" not in capsys.readouterr().out
    shutil.copy(next(copied.rglob("*.jpg")), copied / "animals" / "new.jpg")
    every = settings(copied, tmp_path / "run", steps=3, **ALONE)
    for path in copied.rglob("*.jpg"):
        Image.open(path).rotate(180).save(path)
    session.train(every)
    assert "photographs are not those that the run trained on so far" in capsys.readouterr().out
