"""A job started again: what is done is left, what is not is done, and nothing is replaced."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kinpaint.completion import jobs, runner
from kinpaint.training import checkpoints
from tests.completion.test_runner import complete, scene


def test_started_again_it_does_only_what_is_missing(tmp_path, model):
    options = scene(tmp_path)
    complete(options, model)
    (tmp_path / "out/a.png").unlink()
    with open(tmp_path / "out/report.jsonl", "a") as report:
        report.write('{"image": "cut o')
    counts, _ = runner.run(jobs.find(options), model, options, tmp_path / "out/report.jsonl"), 0
    assert counts == {"done": 1, "unchanged": 0, "skipped": 3, "failed": 0}
    last = (tmp_path / "out/report.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["output"] == str(tmp_path / "out/a.png")


@pytest.mark.parametrize("stopped_at", [1, 2, 4])
def test_what_was_written_when_it_was_stopped_is_known(tmp_path, model, stopped_at):
    options, asked = scene(tmp_path), []

    class Stopped:
        def complete(self, *args, **kwargs):
            asked.append(args)
            if len(asked) == stopped_at:
                raise KeyboardInterrupt
            return model.complete(*args, **kwargs)

    with pytest.raises(KeyboardInterrupt):
        complete(options, Stopped())
    counts, _ = complete(options, model)
    assert counts["skipped"] == stopped_at - 1 and counts["failed"] == 0


def test_outputs_of_other_settings_are_not_taken_for_done_nor_replaced(tmp_path, model):
    options = scene(tmp_path)
    complete(options, model)
    before = (tmp_path / "out/a.png").read_bytes()
    other = dataclasses.replace(options, feather=2)
    counts, rows = complete(other, model)
    assert counts["failed"] == 4 and "--overwrite" in rows[-1]["reason"]
    assert (tmp_path / "out/a.png").read_bytes() == before
    counts, _ = complete(dataclasses.replace(other, overwrite=True), model)
    assert counts["done"] == 4


def test_a_new_version_of_the_model_is_another_job(tmp_path, model):
    base = tmp_path / "saved_models"
    options = dataclasses.replace(scene(tmp_path), model=str(base), overwrite=True)
    for version, expected in ((1, "done"), (1, "skipped"), (2, "done")):
        (base / str(version)).mkdir(parents=True, exist_ok=True)
        (base / str(version) / "saved_model.pb").touch()
        counts, _ = complete(options, model)
        assert counts[expected] == 4


def _mask(path, rows):
    pixels = np.zeros(np.asarray(Image.open(path)).shape[:2], np.uint8)
    pixels[rows, 5:20] = 255
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("role", ["mask", "image"])
def test_a_corrected_mask_or_photo_is_another_job(tmp_path, model, role):
    """Under its old name, with its old date: refused, and done anew with --overwrite."""
    options = scene(tmp_path)
    complete(options, model)
    job = next(job for job in jobs.find(options) if job.output.name == "a.png")
    path, before = getattr(job, role), job.output.read_bytes()
    date = path.stat()
    if role == "mask":
        _mask(path, slice(2, 9))
    else:
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    counts, rows = complete(options, model)
    assert (counts["failed"], counts["skipped"]) == (1, 3)
    assert "--overwrite" in rows[-1]["reason"] and job.output.read_bytes() == before
    counts, _ = complete(dataclasses.replace(options, overwrite=True), model)
    assert (counts["done"], counts["skipped"]) == (1, 3)
    assert job.output.read_bytes() != before


def test_other_spellings_and_moved_folders_go_on(tmp_path, model, monkeypatch):
    options = scene(tmp_path)
    complete(options, model)
    monkeypatch.chdir(tmp_path)
    options = dataclasses.replace(options, image="photos/", mask="./masks", output="out/")
    assert complete(options, model)[0]["skipped"] == 4
    shutil.copytree(tmp_path, tmp_path / "moved", copy_function=shutil.copyfile)
    monkeypatch.chdir(tmp_path / "moved")
    assert complete(options, model)[0]["skipped"] == 4


def test_a_photo_that_changed_while_it_was_filled_is_not_taken_for_done(tmp_path, model):
    options = scene(tmp_path)
    job = next(job for job in jobs.find(options) if job.output.name == "a.png")

    class Meanwhile:
        def complete(self, image, hole, **settings):
            job.image.touch()
            with open(job.image, "ab") as file:
                file.write(b"\0")
            return model.complete(image, hole, **settings)

    runner.run([job], Meanwhile(), options, tmp_path / "out/report.jsonl")
    counts = runner.run([job], model, options, tmp_path / "out/report.jsonl")
    assert counts["skipped"] == 0


def test_a_run_that_trained_on_is_another_model(tmp_path, model):
    run = tmp_path / "run"
    checkpoints.write(run, 1, {"network": {"w": tf.Variable([1.0])}})
    (run / "flags.txt").write_text("--model=cnn\n")
    options = dataclasses.replace(scene(tmp_path), model=str(run))
    complete(options, model)
    assert complete(options, model)[0]["skipped"] == 4
    checkpoints.write(run, 2, {"network": {"w": tf.Variable([2.0])}})
    counts, rows = complete(options, model)
    assert counts["failed"] == 4 and "--overwrite" in rows[-1]["reason"]
