"""What a report owes its reader: honesty about models, pictures, weights and settings."""

import dataclasses
import json
import re
import types

import cv2
import numpy as np
import pytest
import tensorflow as tf

from kinpaint.evaluation import contestants, results, runner
from pipelines.base.errors import UserError
from tests.evaluation.running import PICTURES, Model, evaluate, metrics, noise, rows

pytestmark = pytest.mark.filterwarnings("ignore:.*published LPIPS")


def test_models_do_not_see_the_truth_and_changed_known_pixels_are_told(
    photo, plain, enter, tmp_path
):
    model = Model(noise)
    model.complete_batch = lambda images, masks, **_: (
        model.calls.append((images, masks))
        or (np.where(masks, 128, 255 - images).astype("uint8"))
    )
    enter("careless", model)
    evaluate(photo, plain, tmp_path)
    for images, masks in model.calls:
        assert masks.dtype == bool and not images[np.broadcast_to(masks, images.shape)].any()
    assert metrics(tmp_path)["known_pixels_changed"] == {
        "careless": PICTURES,
        "mean": 0,
    }
    assert "careless changed known pixels" in (tmp_path / "report.html").read_text()


def test_diversity_is_measured_beside_quality_and_zero_for_a_deterministic_model(
    photo, options, enter, tmp_path
):
    enter("noise", Model(noise))
    evaluate(photo, options, tmp_path, samples=3)
    models = metrics(tmp_path)["models"]
    assert models["telea"]["diversity_lpips"]["mean"] == 0.0
    assert models["telea"]["diversity_lpips_hole"]["ci95"] == [0.0, 0.0]
    assert models["noise"]["diversity_lpips"]["ci95"][0] > 0.0
    hole, whole = (models["noise"][f"diversity_lpips{part}"]["mean"] for part in ("_hole", ""))
    assert hole > whole
    assert models["telea"]["psnr_best_of_k"] == models["telea"]["psnr"]
    assert models["noise"]["psnr_best_of_k"]["mean"] > models["noise"]["psnr"]["mean"]


def test_identical_pictures_are_counted_not_averaged(
    photo, plain, enter, tmp_path, monkeypatch
):
    truths = {}
    whole = runner._Pass.score

    def remember(self, indices, pictures):
        truths["batch"] = runner._filled_up(pictures, photo.batch_size)
        whole(self, indices, pictures)

    monkeypatch.setattr(runner._Pass, "score", remember)
    oracle = Model(None)
    oracle.complete_batch = lambda images, masks, **_: (
        truths["batch"] if len(images) == len(truths["batch"]) else images
    )
    enter("oracle", oracle)
    evaluate(photo, plain, tmp_path)
    entry = metrics(tmp_path)["models"]["oracle"]["psnr"]
    assert entry == {"mean": None, "ci95": None, "n": 0, "identical": PICTURES}
    assert metrics(tmp_path)["models"]["oracle"]["l1"]["mean"] == 0.0
    assert rows(tmp_path)[0]["psnr"] == "inf"


def test_photos_that_cannot_be_read_are_named_and_left_out(photo, plain, tmp_path, sample_dir):
    data = tmp_path / "photos" / "cats"
    data.mkdir(parents=True)
    for i, path in enumerate(sorted(sample_dir.glob("*/*.jpg"))[:5]):
        (data / f"{i}.jpg").write_bytes(path.read_bytes())
    (data / "2.jpg").write_bytes(b"no picture")
    here = dataclasses.replace(photo, data_dir=str(tmp_path / "photos"))
    for _ in range(2):  # the second run neither waits for it nor forgets it
        _, missing = evaluate(here, plain, tmp_path / "out")
        assert missing == 0
        assert metrics(tmp_path / "out")["pictures"] == {"scored": 4, "unread": ["cats/2.jpg"]}
    assert "cats/2.jpg" in (tmp_path / "out" / "report.html").read_text()


def test_without_weights_lpips_is_null_with_the_command(photo, options, tmp_path):
    evaluate(photo, options, tmp_path / "out", weights_dir=str(tmp_path), limit=3)
    entry = metrics(tmp_path / "out")["models"]["mean"]["lpips_alex"]
    assert entry["mean"] is None and "lpips_weights --net=alex" in entry["reason"]
    assert "lpips_alex" not in rows(tmp_path / "out")[0]


def test_pictures_and_holes_are_saved_on_demand(photo, plain, tmp_path):
    evaluate(photo, plain, tmp_path, save_pictures=True, save_holes=True, limit=3)
    *_, last = sorted((tmp_path / "holes").glob("*.png"))
    truth, filled = (
        cv2.imread(str(tmp_path / "pictures" / name / last.name)) for name in ("truth", "mean")
    )
    hole = cv2.imread(str(last), cv2.IMREAD_GRAYSCALE) >= 128
    assert (truth[~hole] == filled[~hole]).all() and (truth[hole] != filled[hole]).any()
    assert "fidelity" in (tmp_path / "report.html").read_text()


def test_a_limit_takes_pictures_evenly_and_keeps_their_holes(photo, plain, tmp_path):
    for name, limit in (("all", 0), ("some", 3)):
        evaluate(photo, plain, tmp_path / name, limit=limit)
    everything, some = (
        {row["image"]: row for row in read_holes(tmp_path / name)} for name in ("all", "some")
    )
    names = sorted(everything)
    assert sorted(some) == [names[k * len(names) // 3] for k in range(3)]
    assert all(row["sha256"] == everything[name]["sha256"] for name, row in some.items())


def read_holes(out):
    lines = (out / "holes.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if '"image"' in line]


def test_the_page_is_whole_in_itself(out_dir):
    page = (out_dir / "report.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    ids = set(re.findall(r"id=\"([^\"]+)\"", page))
    assert {link for link in re.findall(r"href=\"#([^\"]+)\"", page)} <= ids
    for link in re.findall(r"href=\"(?!#)([^\"]+)\"", page):
        assert (out_dir / link).exists(), link
    assert page.count("<svg") == 3 and 'name="viewport"' in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"out_dir": ""}, "--out_dir"),
        ({"lpips": "alx"}, "alex"),
        ({"rank_by": "beauty"}, "psnr_hole"),
        ({"rank_by": "ms_ssim"}, "from 161 px"),
        ({"rank_by": "seconds_per_image"}, "psnr_hole"),
        ({"rank_by": "psnr_best_of_k"}, "--samples=5"),
        ({"limit": -1}, "--limit=-1: write a whole number of at least 0"),
        ({"samples": 0}, "--samples"),
        ({"shard": "3/2"}, "part i of n counted from 1"),
        ({"model": ("baseline:none",)}, "baseline:telea"),
        ({"model": ("a=baseline:ns", "a=baseline:telea")}, "label="),
        ({"model": ("mean=baseline:ns",)}, "the name of a baseline"),
        ({"model": ("nowhere/at/all",)}, "nowhere/at/all"),
        ({"baselines": "none"}, "--model"),
        ({"holes": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_bad_settings_are_told_in_one_line(changes, said, photo, plain, tmp_path):
    with pytest.raises(UserError, match=re.escape(said)) as error:
        evaluate(photo, plain, **{"out_dir": tmp_path / "out", "limit": 2, **changes})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()  # told before anything is scored


def test_one_method_under_two_names_is_scored_once_and_shown_twice(photo, plain, tmp_path):
    both = ("a=baseline:telea", "b=baseline:telea")
    _, missing = evaluate(photo, plain, tmp_path, model=both)
    models = metrics(tmp_path)["models"]
    assert missing == 0 and list(models) == ["a", "b", "mean"]
    assert models["a"] == models["b"]


def test_a_ranking_by_lpips(photo, options, tmp_path):
    evaluate(photo, options, tmp_path, limit=3, baselines="mean", rank_by="lpips_alex")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 2  # by hole size, by distance
    assert tf.config.experimental.tensor_float_32_execution_enabled()  # as it was before


def test_set_distances_take_the_first_pictures_whatever_their_numbers(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = runner._packed(rng.normal(size=(30, 4)).astype("float32"), 30)
    monkeypatch.setattr(results, "_MOST_FEATURES", 25)
    job = types.SimpleNamespace(
        photos=dict.fromkeys(range(0, 3000, 100)),
        scorer=types.SimpleNamespace(embedding="alex"),
        picture_key="p",
        score_keys={"model": "s"},
    )
    lines = [{"index": 100 * k, "features": text} for k, text in enumerate(vectors)]
    found = results.set_distances(job, types.SimpleNamespace(read=lambda keys: lines))
    assert found["model"]["kid_lpips_alex"]["n"] == 25


def test_names_of_contestants():
    found = contestants.gather(("mine=baseline:ns", "baseline:telea"), "mean,telea")
    assert [(c.name, c.source) for c in found] == [
        ("mine", "baseline:ns"),
        ("telea", "baseline:telea"),
        ("mean", "baseline:mean"),
    ]


@pytest.mark.parametrize(
    ("spec", "label", "source"),
    [
        ("runs/first", "", "runs/first"),
        ("ours=runs/first", "ours", "runs/first"),
        ("ours=/runs/lr=3", "ours", "/runs/lr=3"),
        ("runs/lr=3", "", "runs/lr=3"),
        ("cnn, lr=1e-3=runs/cnn_lr=1e-3", "cnn, lr=1e-3", "runs/cnn_lr=1e-3"),
        ("a=baseline:ns", "a", "baseline:ns"),
    ],
)
def test_a_label_may_hold_an_equals_sign(spec, label, source):
    assert contestants.split(spec) == (label, source)
