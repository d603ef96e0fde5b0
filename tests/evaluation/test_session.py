"""Whole evaluations: the contract of the files, the same again, shards, resuming."""

import dataclasses

import numpy as np
import pytest

from tests.evaluation.running import (
    PICTURES,
    Model,
    evaluate,
    metrics,
    noise,
    rows,
    shown,
    stable,
)

NULLS = ("ms_ssim", "ms_ssim_4s", "lpips_vgg", "lpips_squeeze", "diversity_lpips")
pytestmark = pytest.mark.filterwarnings("ignore:.*published LPIPS")


def test_metrics_json_keeps_the_contract(out_dir):
    figures = metrics(out_dir)
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
    figures, table = metrics(out_dir), rows(out_dir)
    assert list(table[0])[:4] == ["model", "image", "class", "hole_fraction"]
    for name in ("mean", "telea"):
        own = [row for row in table if row["model"] == name]
        assert len(own) == PICTURES
        for metric in ("psnr_hole", "lpips_alex"):
            mean = np.mean([float(row[metric]) for row in own])
            assert figures["models"][name][metric]["mean"] == pytest.approx(mean, rel=1e-5)
            for groups in ("buckets", "families", "classes"):
                parts = [group[name][metric] for group in figures[groups].values()]
                assert sum(part["n"] for part in parts) == PICTURES
                total = sum(part["mean"] * part["n"] for part in parts)
                assert total / PICTURES == pytest.approx(mean, rel=1e-5)
    thin = [float(r["psnr"]) for r in table if (r["model"], r["family"]) == ("telea", "thin")]
    assert figures["families"]["thin"]["telea"]["psnr"]["mean"] == pytest.approx(
        np.mean(thin), rel=1e-5
    )


def test_pairs_are_compared_picture_by_picture(out_dir):
    (pair,) = metrics(out_dir)["paired"]
    table = rows(out_dir)
    values = {
        n: [float(r["l1_hole"]) for r in table if r["model"] == n] for n in ("mean", "telea")
    }
    difference = np.subtract(values[pair["first"]], values[pair["second"]])
    assert pair["metrics"]["l1_hole"]["mean"] == pytest.approx(difference.mean(), rel=1e-4)
    assert pair["metrics"]["l1_hole"]["worse"] == (difference > 0).sum()


def test_a_second_run_elsewhere_gives_the_same(out_dir, photo, options, tmp_path):
    evaluate(photo, options, tmp_path)
    assert stable(tmp_path) == stable(out_dir)


def test_shards_give_what_one_process_gives_and_the_last_writes(
    out_dir, photo, options, tmp_path
):
    paths, missing = evaluate(photo, options, tmp_path, shard="2/2")
    assert (paths, missing) == ([], 2 * 6) and not (tmp_path / "metrics.json").exists()
    paths, missing = evaluate(photo, options, tmp_path, shard="1/2")
    assert missing == 0 and (tmp_path / "report.html") in paths
    assert stable(tmp_path) == stable(out_dir)


def test_a_listed_set_of_holes_is_scored_again(out_dir, photo, options, tmp_path):
    elsewhere = dataclasses.replace(photo, masks=None, image_size=None, seed=9)
    evaluate(elsewhere, options, tmp_path, holes=str(out_dir / "holes.jsonl"))
    assert rows(tmp_path)[0]["psnr"] == rows(out_dir)[0]["psnr"]
    assert (tmp_path / "holes.jsonl").read_text() == (out_dir / "holes.jsonl").read_text()


def test_resumes_where_it_was_stopped_and_scores_nothing_twice(photo, plain, enter, tmp_path):
    model = Model(noise)
    enter("new", model)
    through, stopped = tmp_path / "through", tmp_path / "stopped"
    evaluate(photo, plain, through)
    assert len(model.calls) - len(shown(through, "new")) == 3  # batches of 4, 4 and 3

    def stop_in_the_second(images, seed):
        if len(model.calls) == 2:
            raise KeyboardInterrupt
        return noise(images, seed)

    model.calls, model.fill = [], stop_in_the_second
    with pytest.raises(KeyboardInterrupt):
        evaluate(photo, plain, stopped)
    model.calls, model.fill = [], noise
    evaluate(photo, plain, stopped)
    assert len(model.calls) - len(shown(stopped, "new")) == 2
    assert stable(stopped) == stable(through)


def test_other_weights_or_settings_are_scored_anew(photo, plain, enter, tmp_path):
    first = Model(lambda images, seed: np.full_like(images, 128))
    enter("model", first)
    evaluate(photo, plain, tmp_path)
    before = metrics(tmp_path)["models"]["model"]["psnr"]["mean"]
    other = Model(noise)
    enter("model", other, fingerprint="2")
    evaluate(photo, plain, tmp_path)
    assert metrics(tmp_path)["models"]["model"]["psnr"]["mean"] < before - 1
    before = len(other.calls)
    evaluate(dataclasses.replace(photo, seed=2), plain, tmp_path)
    assert len(other.calls) - before == 3 + len(shown(tmp_path, "model"))  # every batch
