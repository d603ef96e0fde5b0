"""Whole evaluations on a few small pictures: contract, resume, shards, honesty."""

import csv
import dataclasses
import json
import re

import numpy as np
import pytest

from kinpaint.evaluation import contestants, runner, session
from kinpaint.evaluation.options import EvalOptions
from kinpaint.metrics import trunks
from pipelines.cli import UserError
from pipelines.options import PhotoOptions
from tests.metrics import recipe

PICTURES = 11
NULLS = ("ms_ssim", "ms_ssim_4s", "lpips_vgg", "lpips_squeeze", "diversity_lpips")
pytestmark = pytest.mark.filterwarnings("ignore:.*published LPIPS")


class Model:
    """A contestant that keeps what it was given; `fill` makes uint8 of (images, seed)."""

    def __init__(self, fill):
        self.fill, self.calls = fill, []

    def complete_batch(self, images, masks, seed=0, samples=1):
        self.calls.append(images)
        each = [np.where(masks, self.fill(images, seed + k), images) for k in range(samples)]
        return each[0] if samples == 1 else np.stack(each)


def noise(images, seed):
    return np.random.default_rng(seed).integers(0, 256, images.shape).astype("uint8")


@pytest.fixture(scope="module")
def photo(sample_dir):
    return PhotoOptions(
        data_dir=str(sample_dir),
        split="all",
        image_size=48,
        masks="thin + thick",
        batch_size=4,
        seed=1,
    )


@pytest.fixture(scope="module")
def seeded_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("weights")
    np.savez(directory / trunks.KINDS["alex"].file, **recipe.trunk("alex"))
    return str(directory)


@pytest.fixture(scope="module")
def options(seeded_dir):
    return EvalOptions(baselines="mean,telea", limit=PICTURES, weights_dir=seeded_dir)


@pytest.fixture(scope="module")
def plain():
    """The cheapest evaluation."""
    return EvalOptions(baselines="mean", limit=PICTURES, lpips="none")


def _evaluate(photo, options, out_dir, **changes):
    options = dataclasses.replace(options, out_dir=str(out_dir), **changes)
    return session.evaluate(photo, options)


@pytest.fixture(scope="module")
def out_dir(photo, options, tmp_path_factory):
    out = tmp_path_factory.mktemp("eval")
    paths, missing = _evaluate(photo, options, out)
    names = ["metrics.json", "per_image.csv", "holes.jsonl", "report.html"]
    assert ([path.name for path in paths], missing) == (names, 0)
    return out


def _metrics(out):
    return json.loads((out / "metrics.json").read_text())


def _rows(out):
    with open(out / "per_image.csv") as file:
        return list(csv.DictReader(file))


def _stable(out):
    """The three files without time stamp, timings and the name of their directory."""
    page = (out / "report.html").read_text()
    figures = _metrics(out)
    del figures["settings"]["written"]
    for groups in ({"": figures["models"]}, *(figures[k] for k in ("buckets", "families"))):
        for models in groups.values():
            for entries in models.values():
                del entries["seconds_per_image"]
    del figures["classes"]
    rows = [{k: v for k, v in row.items() if k != "seconds_per_image"} for row in _rows(out)]
    return figures, rows, (out / "holes.jsonl").read_text(), re.findall(r"data:[^\"]*", page)


def test_metrics_json_keeps_the_contract(out_dir):
    figures = _metrics(out_dir)
    assert list(figures["models"]) == ["mean", "telea"]
    for entries in figures["models"].values():
        for name in ("psnr", "psnr_hole", "ssim", "ms_ssim_3s", "l1", "l1_hole", "lpips_alex"):
            entry = entries[name]
            assert (
                entry["ci95"][0] < entry["mean"] < entry["ci95"][1] and entry["n"] == PICTURES
            )
        for name in NULLS:
            assert entries[name]["mean"] is None and entries[name]["reason"]
    assert "--lpips=vgg" in figures["models"]["mean"]["lpips_vgg"]["reason"]
    assert figures["settings"]["seed"] == 1 and figures["settings"]["versions"]["opencv"]
    assert figures["pictures"] == {"scored": PICTURES, "unread": []}


def test_means_are_those_of_the_rows_and_groups_divide_them(out_dir):
    figures, rows = _metrics(out_dir), _rows(out_dir)
    assert list(rows[0])[:4] == ["model", "image", "class", "hole_fraction"]
    for name in ("mean", "telea"):
        own = [row for row in rows if row["model"] == name]
        assert len(own) == PICTURES
        for metric in ("psnr_hole", "lpips_alex"):
            mean = np.mean([float(row[metric]) for row in own])
            assert figures["models"][name][metric]["mean"] == pytest.approx(mean, rel=1e-5)
            for groups in ("buckets", "families", "classes"):
                parts = [group[name][metric] for group in figures[groups].values()]
                assert sum(part["n"] for part in parts) == PICTURES
                total = sum(part["mean"] * part["n"] for part in parts)
                assert total / PICTURES == pytest.approx(mean, rel=1e-5)
    thin = [float(r["psnr"]) for r in rows if (r["model"], r["family"]) == ("telea", "thin")]
    assert figures["families"]["thin"]["telea"]["psnr"]["mean"] == pytest.approx(np.mean(thin))


def test_pairs_are_compared_picture_by_picture(out_dir):
    (pair,) = _metrics(out_dir)["paired"]
    rows = _rows(out_dir)
    values = {
        n: [float(r["l1_hole"]) for r in rows if r["model"] == n] for n in ("mean", "telea")
    }
    difference = np.subtract(values[pair["first"]], values[pair["second"]])
    assert pair["metrics"]["l1_hole"]["mean"] == pytest.approx(difference.mean(), rel=1e-4)
    assert pair["metrics"]["l1_hole"]["worse"] == (difference > 0).sum()


def test_a_second_run_elsewhere_gives_the_same(out_dir, photo, options, tmp_path):
    _evaluate(photo, options, tmp_path)
    assert _stable(tmp_path) == _stable(out_dir)


def test_shards_give_what_one_process_gives_and_the_last_writes(
    out_dir, photo, options, tmp_path
):
    paths, missing = _evaluate(photo, options, tmp_path, shard="2/2")
    assert (paths, missing) == ([], 2 * 6) and not (tmp_path / "metrics.json").exists()
    paths, missing = _evaluate(photo, options, tmp_path, shard="1/2")
    assert missing == 0 and (tmp_path / "report.html") in paths
    assert _stable(tmp_path) == _stable(out_dir)


def test_a_listed_set_of_holes_is_scored_again(out_dir, photo, options, tmp_path):
    elsewhere = dataclasses.replace(photo, masks="mixed", image_size=64, seed=9)
    _evaluate(elsewhere, options, tmp_path, holes=str(out_dir / "holes.jsonl"))
    assert _rows(tmp_path)[0]["psnr"] == _rows(out_dir)[0]["psnr"]
    assert (tmp_path / "holes.jsonl").read_text() == (out_dir / "holes.jsonl").read_text()


@pytest.fixture
def enter(monkeypatch):
    """Puts a model before the other contestants."""
    gather = contestants.gather

    def _enter(name, model, fingerprint="1"):
        one = contestants.Contestant(name, name, fingerprint, model.complete_batch, False)
        monkeypatch.setattr(contestants, "gather", lambda *given: [one, *gather(*given)])

    return _enter


def test_resumes_where_it_was_stopped_and_scores_nothing_twice(photo, plain, enter, tmp_path):
    model = Model(noise)
    enter("new", model)
    through, stopped = tmp_path / "through", tmp_path / "stopped"
    _evaluate(photo, plain, through)
    assert len(model.calls) - len(_shown(through)) == 3  # batches of 4, 4 and 3

    def stop_in_the_second(images, seed):
        if len(model.calls) == 2:
            raise KeyboardInterrupt
        return noise(images, seed)

    model.calls, model.fill = [], stop_in_the_second
    with pytest.raises(KeyboardInterrupt):
        _evaluate(photo, plain, stopped)
    model.calls, model.fill = [], noise
    _evaluate(photo, plain, stopped)
    assert len(model.calls) - len(_shown(stopped)) == 2
    assert _stable(stopped) == _stable(through)


def _shown(out):
    """Indices of the pictures that the page shows of the added model."""
    found = _metrics(out)["errors"]["new"]
    return {*found["best"], *found["median"], *(worst["index"] for worst in found["worst"])}


def test_other_weights_or_settings_are_scored_anew(photo, plain, enter, tmp_path):
    first = Model(lambda images, seed: np.full_like(images, 128))
    enter("model", first)
    _evaluate(photo, plain, tmp_path)
    before = _metrics(tmp_path)["models"]["model"]["psnr"]["mean"]
    other = Model(noise)
    enter("model", other, fingerprint="2")
    _evaluate(photo, plain, tmp_path)
    assert _metrics(tmp_path)["models"]["model"]["psnr"]["mean"] < before - 1
    other.calls = []
    _evaluate(photo, plain, tmp_path)  # nothing new: only the page's pictures are drawn
    shown = _metrics(tmp_path)["errors"]["model"]
    rows = {*shown["best"], *shown["median"], *(worst["index"] for worst in shown["worst"])}
    assert len(other.calls) == len(rows)
    _evaluate(dataclasses.replace(photo, seed=2), plain, tmp_path)
    assert len(other.calls) > 2 * len(rows)


def test_models_do_not_see_the_truth_and_changed_known_pixels_are_told(
    photo, plain, enter, tmp_path
):
    model = Model(noise)
    model.complete_batch = lambda images, masks, **_: (
        model.calls.append((images, masks))
        or (np.where(masks, 128, 255 - images).astype("uint8"))
    )
    enter("careless", model)
    _evaluate(photo, plain, tmp_path)
    for images, masks in model.calls:
        assert masks.dtype == bool and not images[np.broadcast_to(masks, images.shape)].any()
    assert _metrics(tmp_path)["known_pixels_changed"] == {
        "careless": PICTURES,
        "mean": 0,
    }
    assert "careless changed known pixels" in (tmp_path / "report.html").read_text()


def test_diversity_is_measured_beside_quality_and_zero_for_a_deterministic_model(
    photo, options, enter, tmp_path
):
    enter("noise", Model(noise))
    _evaluate(photo, options, tmp_path, samples=3)
    models = _metrics(tmp_path)["models"]
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
    _evaluate(photo, plain, tmp_path)
    entry = _metrics(tmp_path)["models"]["oracle"]["psnr"]
    assert entry == {"mean": None, "ci95": None, "n": 0, "identical": PICTURES}
    assert _metrics(tmp_path)["models"]["oracle"]["l1"]["mean"] == 0.0
    assert _rows(tmp_path)[0]["psnr"] == "inf"


def test_photos_that_cannot_be_read_are_named_and_left_out(photo, plain, tmp_path, sample_dir):
    data = tmp_path / "photos" / "cats"
    data.mkdir(parents=True)
    for i, path in enumerate(sorted(sample_dir.glob("*/*.jpg"))[:5]):
        (data / f"{i}.jpg").write_bytes(path.read_bytes())
    (data / "2.jpg").write_bytes(b"no picture")
    here = dataclasses.replace(photo, data_dir=str(tmp_path / "photos"))
    for _ in range(2):  # the second run neither waits for it nor forgets it
        _, missing = _evaluate(here, plain, tmp_path / "out")
        assert missing == 0
        assert _metrics(tmp_path / "out")["pictures"] == {"scored": 4, "unread": ["cats/2.jpg"]}
    assert "cats/2.jpg" in (tmp_path / "out" / "report.html").read_text()


def test_without_weights_lpips_is_null_with_the_command(photo, options, tmp_path):
    _evaluate(photo, options, tmp_path / "out", weights_dir=str(tmp_path), limit=3)
    entry = _metrics(tmp_path / "out")["models"]["mean"]["lpips_alex"]
    assert entry["mean"] is None and "lpips_weights --net=alex" in entry["reason"]
    assert "lpips_alex" not in _rows(tmp_path / "out")[0]


def test_pictures_and_holes_are_saved_on_demand(photo, plain, tmp_path):
    import cv2

    _evaluate(photo, plain, tmp_path, save_pictures=True, save_holes=True, limit=3)
    truth, filled = (
        cv2.imread(str(tmp_path / "pictures" / name / "000002.png"))
        for name in ("truth", "mean")
    )
    hole = cv2.imread(str(tmp_path / "holes" / "000002.png"), cv2.IMREAD_GRAYSCALE) >= 128
    assert (truth[~hole] == filled[~hole]).all() and (truth[hole] != filled[hole]).any()
    assert "fidelity" in (tmp_path / "report.html").read_text()


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
        ({"samples": 0}, "--samples"),
        ({"shard": "3/2"}, "1/2"),
        ({"model": ("baseline:none",)}, "baseline:telea"),
        ({"model": ("a=baseline:ns", "a=baseline:telea")}, "label="),
        ({"model": ("nowhere/at/all",)}, "nowhere/at/all"),
        ({"baselines": "none"}, "--model"),
        ({"holes": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_bad_settings_are_told_in_one_line(changes, said, photo, plain, tmp_path):
    with pytest.raises(UserError, match=re.escape(said)) as error:
        _evaluate(photo, plain, **{"out_dir": tmp_path / "out", "limit": 2, **changes})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_names_of_contestants():
    found = contestants.gather(("mine=baseline:ns", "baseline:telea"), "mean,telea")
    assert [(c.name, c.source) for c in found] == [
        ("mine", "baseline:ns"),
        ("telea", "baseline:telea"),
        ("mean", "baseline:mean"),
    ]
