"""Batches: pairing, failures that stay their own, reports, shards, the command."""

import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from kinpaint.completion import files, jobs, runner
from kinpaint.completion.options import CompleteOptions
from pipelines.base import parts
from pipelines.base.errors import UserError
from tests.completion.test_files import hostile, pixels, save


def scene(folder, names=("a.png", "sub/b.png", "sub/b.jpg", "sub/ü c.png"), size=(20, 30)):
    """Photos in folder/photos and same-stem masks in folder/masks; options for all of them."""
    mask = np.zeros(size, np.uint8)
    mask[4:9, 5:15] = 255
    for k, name in enumerate(names):
        for kind, array in (("photos", pixels(*size, seed=k)), ("masks", mask)):
            path = folder / kind / name
            path = path.with_suffix(".png") if kind == "masks" else path
            path.parent.mkdir(parents=True, exist_ok=True)
            save(path, array)
    return CompleteOptions(
        model="unused",
        image=str(folder / "photos"),
        mask=str(folder / "masks"),
        output=str(folder / "out"),
    )


def complete(options, model, report=True):
    path = pathlib.Path(options.output) / "report.jsonl" if report else None
    counts = runner.run(parts.share(options.shard, jobs.find(options)), model, options, path)
    rows = [json.loads(line) for line in path.read_text().splitlines()] if report else []
    return counts, rows


def test_a_folder_keeps_names_and_known_pixels(tmp_path, model):
    options = scene(tmp_path)
    counts, rows = complete(options, model)
    assert counts == {"done": 4, "unchanged": 0, "skipped": 0, "failed": 0}
    assert sorted(pathlib.Path(r["output"]).name for r in rows) == [
        "a.png",
        "b.jpg",
        "b.png",
        "ü c.png",
    ]
    before = np.asarray(Image.open(tmp_path / "photos/sub/b.png"))
    after = np.asarray(Image.open(tmp_path / "out/sub/b.png"))
    hole = np.asarray(Image.open(tmp_path / "masks/sub/b.png")) >= 128
    np.testing.assert_array_equal(after[~hole], before[~hole])
    assert (after[hole] != before[hole]).any()
    np.testing.assert_array_equal(after, model.complete(before, hole))
    assert rows[0]["hole_fraction"] == pytest.approx(50 / 600, abs=1e-5)


def test_one_bad_file_never_ends_a_batch(tmp_path, model, capsys):
    options = scene(tmp_path)
    words = hostile(tmp_path / "photos")
    save(tmp_path / "photos/lonely.png", pixels())
    save(tmp_path / "photos/odd.png", pixels())
    save(tmp_path / "masks/odd.png", pixels(9, 9))
    for name in words:
        save((tmp_path / "masks" / name).with_suffix(".png"), pixels(64, 64, channels=0))
    counts, rows = complete(options, model)
    assert counts == {"done": 4, "unchanged": 0, "skipped": 0, "failed": len(words) + 2}
    reasons = {pathlib.Path(r["image"]).name: r.get("reason", "") for r in rows}
    for name, said in words.items():
        assert said in reasons[name] or "--format" in reasons[name]
    assert "no mask called lonely" in reasons["lonely.png"]
    assert "9x9" in reasons["odd.png"]
    assert "lonely.png" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_no_hole_gives_the_same_file(tmp_path, model):
    options = scene(tmp_path, ["a.jpg"])
    save(tmp_path / "masks/a.png", np.zeros((20, 30), np.uint8))
    counts, _ = complete(options, model)
    assert counts["unchanged"] == 1
    assert (tmp_path / "out/a.jpg").read_bytes() == (tmp_path / "photos/a.jpg").read_bytes()


def test_all_hole_is_filled(tmp_path, model):
    options = scene(tmp_path, ["a.png"])
    save(tmp_path / "masks/a.png", np.full((20, 30), 255, np.uint8))
    assert complete(options, model)[0]["done"] == 1


def test_a_fault_of_the_program_leaves_its_trace_in_the_report(tmp_path, capsys):
    options = scene(tmp_path, ["a.png", "b.png"])

    class Broken:
        def complete(self, image, hole, **settings):
            raise ZeroDivisionError("of a line far down")

    counts, rows = complete(options, Broken())
    assert counts["failed"] == 2
    assert rows[0]["reason"] == "ZeroDivisionError: of a line far down"
    assert "Traceback" in rows[0]["trace"] and "in complete" in rows[0]["trace"]
    said = capsys.readouterr().err
    assert "Traceback" not in said and f"the trace is in {tmp_path}/out/report.jsonl" in said
    runner.run(jobs.find(options)[:1], Broken(), options)
    assert "Traceback" in capsys.readouterr().err  # without a report there is no other place


def test_what_is_left_out_is_said_before_the_network_works(tmp_path, model, capsys):
    options = scene(tmp_path, ["a.png"])
    array = np.asarray(Image.open(tmp_path / "photos/a.png"))
    save(tmp_path / "photos/a.png", array, exif=b"Exif\0\0nonsense")
    said = []

    class Asked:
        def complete(self, *args, **settings):
            said.append(capsys.readouterr().err)
            return model.complete(*args, **settings)

    _, rows = complete(options, Asked())
    assert "a.png: left out: its EXIF, which is damaged" in said[0]
    assert rows[0]["left_out"] == ["its EXIF, which is damaged"]
    assert "EXIF" not in capsys.readouterr().err


def test_what_the_format_cannot_hold_is_found_before_the_network_works(tmp_path):
    save(tmp_path / "a.png", pixels(20, 30, 4))
    mask = np.zeros((20, 30), np.uint8)
    mask[3:8] = 255
    save(tmp_path / "m.png", mask)
    options = CompleteOptions(
        image=str(tmp_path / "a.png"),
        mask=str(tmp_path / "m.png"),
        output=str(tmp_path / "b.jpg"),
    )
    counts, _ = complete(options, None, report=False)  # the model is never asked
    assert counts["failed"] == 1


def test_a_program_error_is_one_line():
    assert runner.attempt(lambda: 1 / 0).reason == "ZeroDivisionError: division by zero"
    assert runner.attempt({}.popitem).reason.startswith("KeyError: ")


def test_shards_share_the_work(tmp_path, model):
    options = scene(tmp_path)
    for part in range(3):
        complete(dataclasses.replace(options, shard=f"{part + 1}/3"), model, report=False)
        assert len([p for p in (tmp_path / "out").rglob("*.[pj]*g")]) == [2, 3, 4][part]
    with pytest.raises(UserError, match="counted from 1"):
        dataclasses.replace(options, shard="0/3")


def test_masks_by_suffix_one_for_all_and_by_alpha(tmp_path, model):
    options = scene(tmp_path)
    one = dataclasses.replace(options, mask=str(tmp_path / "masks/a.png"))
    assert complete(one, model)[0]["done"] == 4
    beside = tmp_path / "beside"
    save_pair = {"x.jpg": pixels(20, 30), "x_mask.png": np.full((20, 30), 255, np.uint8)}
    beside.mkdir()
    for name, array in save_pair.items():
        save(beside / name, array)
    by_suffix = dataclasses.replace(
        options, image=str(beside), mask="", mask_suffix="_mask", output=str(tmp_path / "o2")
    )
    assert complete(by_suffix, model)[0] == {
        "done": 1,
        "unchanged": 0,
        "skipped": 0,
        "failed": 0,
    }
    array = pixels(20, 30, 4)
    array[..., 3] = 255
    array[3:8, 4:9, 3] = 0
    save(tmp_path / "cut.png", array)
    by_alpha = dataclasses.replace(
        options,
        image=str(tmp_path / "cut.png"),
        mask="",
        alpha_mask=True,
        output=str(tmp_path / "filled.png"),
    )
    assert complete(by_alpha, model, report=False)[0]["done"] == 1
    filled = np.asarray(Image.open(tmp_path / "filled.png"))
    assert (filled[..., 3] == 255).all()
    known = array[..., 3] == 255
    np.testing.assert_array_equal(filled[known], array[known])


def test_a_list_names_photos_and_may_not_leave_its_folder(tmp_path, model):
    options = scene(tmp_path)
    names = ["a.png", "", "sub/b.png", "../secret.png", str(tmp_path / "photos/sub/b.jpg")]
    (tmp_path / "photos/list.txt").write_text("\n".join(names))
    listed = dataclasses.replace(options, image=str(tmp_path / "photos/list.txt"))
    found = {
        str(job.output.relative_to(tmp_path / "out")): job for job in jobs.find(listed)[:2]
    }
    assert set(found) == {"a.png", "sub/b.png"}
    problems = [job.problem for job in jobs.find(listed)]
    assert [bool(p) for p in problems] == [False, False, True, True]
    assert "may not contain .." in problems[2] and "no mask called b" in problems[3]


def test_outputs_inside_the_input_folder_are_not_read_again(tmp_path, model):
    options = scene(tmp_path)
    inside = dataclasses.replace(options, output=str(tmp_path / "photos/filled"))
    assert complete(inside, model)[0]["done"] == 4
    assert complete(inside, model)[0]["skipped"] == 4


def test_an_input_is_never_replaced_and_collisions_are_named(tmp_path, model):
    options = scene(tmp_path)
    onto_itself = dataclasses.replace(options, output=options.image, overwrite=True)
    assert all("its own input" in job.problem for job in jobs.find(onto_itself))
    webp = dataclasses.replace(options, format="webp")
    assert sorted(bool(job.problem) for job in jobs.find(webp)) == [False, False, True, True]


def test_samples_are_numbered(tmp_path, model):
    options = dataclasses.replace(scene(tmp_path, ["a.png"]), samples=3)
    complete(options, model)
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == [
        "a_0.png",
        "a_1.png",
        "a_2.png",
    ]
    assert complete(options, model)[0]["skipped"] == 1


@pytest.mark.parametrize(
    "change, words",
    [
        ({"image": ""}, "--image is missing"),
        ({"mask": ""}, "where the holes are"),
        ({"image": "nowhere"}, "does not exist"),
        ({"mask": "nowhere.png"}, "does not exist"),
        ({"image": "EMPTY"}, "nothing to do"),
        ({"samples": 0}, "--samples=0: write a whole number of at least 1"),
        ({"feather": -1}, "--feather=-1"),
    ],
)
def test_nothing_to_do_is_said(tmp_path, change, words):
    (tmp_path / "empty").mkdir()
    change = {k: str(tmp_path / "empty") if v == "EMPTY" else v for k, v in change.items()}
    with pytest.raises(UserError, match=words):
        jobs.find(dataclasses.replace(scene(tmp_path), **change))


def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path):
    photo = files.Photo(pixels(300, 300), None, "PNG", 1, {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(UserError, match="cannot write"):
            files.write(photo, tmp_path / "a.png", "PNG")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_target_that_cannot_be_written_fails_alone(tmp_path, model):
    options = scene(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").write_text("a file where a folder is needed")
    counts, rows = complete(options, model)
    assert counts["failed"] == 3 and counts["done"] == 1
    assert all("cannot write" in r["reason"] for r in rows if r["status"] == "failed")


@pytest.mark.slow
def test_the_command_says_what_it_did_and_what_failed(tmp_path, exported):
    options = scene(tmp_path)
    (tmp_path / "photos/broken.png").write_bytes(b"")
    save(tmp_path / "masks/broken.png", pixels(channels=0))
    arguments = [f"--{k}={getattr(options, k)}" for k in ("image", "mask", "output")]
    command = [sys.executable, "-m", "kinpaint.complete", f"--model={exported.parent}"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def start(extra):
        return subprocess.run(
            command + arguments + extra, capture_output=True, text=True, env=environment
        )

    first = start([])
    assert first.returncode == 1
    assert (
        "4 done, 1 failed" in first.stdout and "broken.png: the file is empty" in first.stderr
    )
    assert "Traceback" not in first.stderr
    missing = start(["--model=nowhere"])
    assert missing.returncode == 1 and "error: nowhere does not exist" in missing.stderr
