"""A study end to end, its parsing, and its figures against a second computation."""

import csv
import json
import pathlib
import re
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from kinpaint.ablation import comparison, cost, tables, variants
from kinpaint.ablation import study as study_
from kinpaint.ablation.options import AblateOptions
from kinpaint.evaluation import contestants
from pipelines.base.errors import UserError

BASE = (
    "--image_size=32 --masks=center(size=0.25) --batch_size=2 --steps=4 --validate_every=2 "
    "--validation_pictures=2 --checkpoint_every=2 --pictures_every=0"
)


def ablate(data_dir, out_dir, *flags):
    command = [sys.executable, "-m", "kinpaint.ablate", f"--data_dir={data_dir}"]
    command += [f"--out_dir={out_dir}", *flags]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def study(sample_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    done = ablate(
        sample_dir,
        out,
        f"--base={BASE}",
        "--variant=small: --model=cnn(width=4,depth=2)",
        "--variant=gates & more: --model=gated(width=4) --seeds=1,2",
        "--variant=broken: --model=cnn(width=-1)",  # a word of the flag's, but no network
        "--score=--limit=3 --baselines=telea --lpips=none",
    )
    assert done.returncode == 1, done.stderr
    return out, done


def test_runs_are_ordinary_and_a_broken_one_is_named(study):
    out, done = study
    found = sorted(path.parent.name for path in (out / "runs").glob("*/flags.txt"))
    assert found == ["gates_more", "gates_more_seed2", "small"]
    assert "--seed=2" in (out / "runs/gates_more_seed2/flags.txt").read_text().splitlines()
    record = json.loads((out / "ablation.json").read_text())
    assert list(record["failed"]) == ["broken"] and list(record["variants"]) == [
        "small",
        "gates & more",
    ]
    assert "model 'cnn' cannot be built of (width=-1)" in done.stderr


def test_figures_equal_a_second_computation(study):
    out, _ = study
    record = json.loads((out / "ablation.json").read_text())
    values = {}
    with open(out / "scores/per_image.csv", newline="") as file:
        for row in csv.DictReader(file):
            values.setdefault(row["model"], []).append(float(row["psnr_hole"]))
    seeds = np.array([values["gates & more"], values["gates & more seed 2"]])
    gates = record["variants"]["gates & more"]
    assert gates["metrics"]["psnr_hole"]["mean"] == pytest.approx(seeds.mean(), rel=1e-6)
    assert gates["seeds_apart"]["psnr_hole"] == pytest.approx(sorted(seeds.mean(axis=1)))
    difference = (seeds.mean(axis=0) - np.array(values["small"])).mean()
    assert gates["versus_base"]["psnr_hole"]["difference"] == pytest.approx(difference)
    assert record["variants"]["small"]["versus_base"] is None
    telea = record["references"]["telea"]["metrics"]["psnr_hole"]["mean"]
    assert telea == pytest.approx(np.mean(values["telea"]), rel=1e-6)
    table = (out / "table.md").read_text()
    assert (
        f"| gates & more | {seeds.mean():.4g} (" in table
        and f"| telea | {telea:.4g} (" in table
    )


def test_curves_hold_every_validation(study):
    out, _ = study
    with open(out / "curves.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(r["variant"], r["seed"], r["step"]) for r in rows if r["metric"] == "psnr_hole"}
    assert found == {
        (name, seed, step)
        for name, seed in (("small", "1"), ("gates & more", "1"), ("gates & more", "2"))
        for step in ("2", "4")
    }


def test_tensorboard_shows_the_flags_that_differ_and_the_scores(study):
    out, _ = study
    events = EventMultiplexer().AddRunsFromDirectory(str(out / "hparams"))
    events.Reload()
    assert {"small", "gates_more"} <= set(events.Runs())
    record = json.loads((out / "ablation.json").read_text())
    wanted = record["variants"]["small"]["metrics"]["psnr_hole"]["mean"]
    (event,) = events.Tensors("small", "psnr_hole")
    assert float(tf.make_ndarray(event.tensor_proto)) == pytest.approx(wanted, rel=1e-5)
    plugin = events.SummaryMetadata("small", "_hparams_/session_start_info").plugin_data
    assert b"cnn(width=4,depth=2)" in plugin.content and b"validate_every" not in plugin.content


def test_finished_runs_are_skipped_and_a_higher_budget_goes_on(study, sample_dir):
    out, _ = study
    history = out / "runs/small/history.jsonl"
    before = history.read_bytes()
    flags = ("--variant=small: --model=cnn(width=4,depth=2)", "--score=--limit=3 --lpips=none")
    again = ablate(sample_dir, out, f"--base={BASE}", *flags)
    assert again.returncode == 0, again.stderr
    assert "run 1 of 1" not in again.stdout and history.read_bytes() == before
    longer = ablate(sample_dir, out, f"--base={BASE} --steps=6", *flags)
    assert longer.returncode == 0, longer.stderr
    assert "resuming at step 4" in longer.stdout + longer.stderr
    assert json.loads(history.read_text().splitlines()[-1])["step"] == 6
    changed = ablate(sample_dir, out, f"--base={BASE} --steps=8 --batch_size=1", *flags)
    assert changed.returncode == 1 and "batch_size" in changed.stderr


def test_a_grid_crosses_every_variant():
    options = AblateOptions(
        variant=("a: --model=cnn", "b: --model=mlp --seeds=3,4"),
        grid=("learning_rate=1e-3|1e-4", "batch_size=8|16"),
    )
    found = variants.parse(options)
    assert len(found) == 8
    assert found[5].name == "b, learning_rate=1e-3, batch_size=16"
    assert found[5].flags == ("--model=mlp", "--learning_rate=1e-3", "--batch_size=16")
    listed = variants.runs(found, "out")
    assert len(listed) == 12 and [run.seed for run in listed] == [1] * 4 + [3] * 4 + [4] * 4
    assert len({run.dir for run in listed}) == 12
    assert all(run.dir.parent == pathlib.Path("out/runs") for run in listed)
    for run in listed:  # the evaluation takes label and directory apart again
        assert contestants.split(f"{run.label}={run.dir}") == (run.label, str(run.dir))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": ("--model=cnn",)}, "NAME: --flag=value"),
        ({"variant": ("a: model=cnn",)}, "is no flag"),
        ({"variant": ("a: --seed=3",)}, "the study sets --seed"),
        ({"variant": ("a: --model='cnn",)}, "No closing quotation"),
        ({"variant": ("a: --model=cnn", "a: --model=mlp")}, "two variants are called 'a'"),
        ({"variant": ("a: --model=cnn",), "against": "b"}, "--against=b is not among a"),
        ({"grid": ("learning_rate",)}, "write FLAG=A|B"),
        ({"seeds": "1,x"}, "write whole numbers"),
        ({"seeds": "1,1"}, "twice"),
        ({"variant": ("a/b: --model=cnn",)}, "'a/b'"),
        ({"variant": ("truth: --model=cnn",)}, "'truth'"),
        ({"variant": ("a b: --model=cnn", "a_b: --model=mlp")}, "runs/a_b"),
        ({"variant": ("a: --x=1 --seeds=1,2", "a_seed2: --x=2")}, "runs/a_seed2"),
        ({"variant": ("a: --x=1 --seeds=1,2", "a seed 2: --x=2")}, "a seed 2"),
        ({"metric": "beauty"}, "--metric=beauty"),
        ({"metric": "seconds_per_image"}, "--metric=seconds_per_image"),
        ({"base": "--model='cnn"}, "No closing quotation"),
        ({"base": "--flagfile=nowhere.flags"}, "nowhere.flags"),
        ({"score": "--masks='thin"}, "No closing quotation"),
        ({"train": False}, "no run under"),
    ],
)
def test_bad_studies_are_told_in_one_line(options, message, tmp_path):
    unfinished = tmp_path / "runs" / "base" / "checkpoints" / "3"  # but no line of history
    unfinished.mkdir(parents=True)
    photos = tmp_path / "photos" / "cats"
    photos.mkdir(parents=True)
    cv2.imwrite(str(photos / "a.png"), np.zeros((8, 8, 3), np.uint8))
    given = {"out_dir": str(tmp_path), "data_dir": str(photos.parent), **options}
    options = AblateOptions(**given)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        study_.ablate(options)
    assert "\n" not in str(caught.value)


def test_multiply_adds_are_those_of_the_closed_form():
    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(7, 3, strides=2, padding="same")
            self.dense = keras.layers.Dense(5)

        def call(self, inputs):
            return {"output": self.dense(self.conv(inputs["image"]))}

    wanted = 16 * 16 * 7 * 3 * 9 + 16 * 16 * 7 * 5
    found = cost.multiply_adds(Network(), 32)
    assert found == pytest.approx(wanted, rel=0.03)  # the profiler counts the biases too


def test_pictures_not_seeds_are_the_units_of_a_test():
    rng = np.random.default_rng(0)
    base, effect = rng.normal(20, 3, 50), rng.normal(0.2, 0.1, 50)
    scores = {"a": {"psnr": base}, "b": {"psnr": base + effect}, "b2": {"psnr": base + effect}}
    found = comparison.compare({"a": ["a"], "b": ["b", "b2"]}, scores, "a")
    tested = found["b"]["versus_base"]["psnr"]
    assert tested["n"] == 50
    assert tested["difference"] == pytest.approx(effect.mean())
    assert tested["ci95"][0] > 0.1 and tested["ci95"][1] < 0.3


def test_a_change_without_effect_and_a_single_picture_are_told():
    same = np.array([20.0, 21.0])
    for values, ends in ((same, [0.0, 0.0]), (same[:1], None)):
        scores = {name: {"psnr_hole": values} for name in "ab"}
        compared = comparison.compare({"a": ["a"], "b": ["b"]}, scores, "a")["b"]
        assert compared["versus_base"]["psnr_hole"]["ci95"] == ends
        difference, p = tables._tested(compared, "psnr_hole")
        assert difference == ("+0 (+0 to +0)" if ends else "+0") and p == ""


def test_a_metric_that_no_two_share_a_picture_of_is_not_tested():
    scores = {"a": {"psnr": np.array([np.inf, 20.0])}, "b": {"psnr": np.array([20.0, np.inf])}}
    assert comparison.compare({"a": ["a"], "b": ["b"]}, scores, "a")["b"]["versus_base"] == {}
