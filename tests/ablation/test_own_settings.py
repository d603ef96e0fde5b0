"""A study scores every variant as it was trained, and pairs only what can be paired."""

import csv
import json

import numpy as np
import pytest

from kinpaint.ablation import study, tables, training
from kinpaint.ablation.options import AblateOptions
from kinpaint.ablation.variants import Run, Variant

TRAINED = {
    "base": {"image_size": "64", "masks": "thin", "classes": ""},
    "wide": {"image_size": "64", "masks": "thin", "classes": ""},
    "small": {"image_size": "32", "masks": "thin", "classes": ""},
    "cats": {"image_size": "64", "masks": "thin", "classes": "cats"},
}
OPTIONS = AblateOptions(variant=tuple(f"{name}: --model=cnn" for name in TRAINED))


@pytest.fixture
def runs(tmp_path):
    found = []
    for name, flags in TRAINED.items():
        found.append(Run(Variant(name, ("--model=cnn",), (1,)), 1, tmp_path / "runs" / name))
        found[-1].dir.mkdir(parents=True)
        text = "".join(f"--{flag}={value}\n" for flag, value in {"level": 0, **flags}.items())
        (found[-1].dir / "flags.txt").write_text(text)
    return found


@pytest.fixture
def asked(monkeypatch):
    """What kinpaint.eval is asked for; it writes four pictures' scores of every model."""
    asked = []

    def score(models, flags, data_dir, out_dir):
        told = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
        asked.append((out_dir.name, [model.split("=")[0] for model in models], told))
        out_dir.mkdir()
        names = [model.split("=")[0] for model in models] + ["mean"]
        entry = {"psnr_hole": {"mean": 1.0, "ci95": None, "n": 4}}
        settings = {**told, "image_size": int(told["image_size"])}
        figures = {"settings": settings, "models": dict.fromkeys(names, entry)}
        (out_dir / "metrics.json").write_text(json.dumps(figures))
        with open(out_dir / "per_image.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["model", "image", "class", "hole_fraction", "psnr_hole"])
            for k, name in enumerate(names):
                writer.writerows([name, i, "", 0.1, 20 + k + i] for i in range(4))

    monkeypatch.setattr(training, "score", score)
    monkeypatch.setattr(
        study, "_described", lambda runs, side, compared: {"side": side, **compared}
    )
    return asked


def test_each_variant_is_scored_as_it_was_trained(runs, asked, tmp_path):
    scored = study._score(runs, OPTIONS, [], tmp_path)
    assert [names for _, names, _ in asked] == [["base", "wide"], ["small"], ["cats"]]
    assert [told for _, _, told in asked] == [TRAINED[n] for n in ("base", "small", "cats")]
    folders = [folder for folder, _, _ in asked]
    assert folders[0] == "scores" and len(set(folders)) == 3
    found = study.gather(OPTIONS, scored, {})
    assert list(found["variants"]) == list(TRAINED)
    for name, variant in found["variants"].items():
        at = {"image_size": int(TRAINED[name]["image_size"]), "masks": "thin"}
        assert {k: variant[k] for k in at} == at and variant["side"] == at["image_size"]
    paired = {name for name, variant in found["variants"].items() if variant["versus_base"]}
    assert paired == {"wide"}
    assert found["variants"]["wide"]["versus_base"]["psnr_hole"]["difference"] == pytest.approx(
        1
    )
    assert set(found["references"]) == {
        "mean",
        "mean (32 px, thin)",
        "mean (64 px, thin, cats)",
    }
    assert found["settings"]["image_size"] == 64
    text = tables.markdown(found)
    assert "small: scored at 32 px under thin on all classes, so not compared with base" in text
    assert "cats: scored at 64 px under thin on cats, so not" in text
    assert "wide: scored" not in text
    assert np.isfinite(found["variants"]["small"]["metrics"]["psnr_hole"]["mean"])


def test_what_score_tells_holds_for_all(runs, asked, tmp_path):
    flags = ["--image_size=48", "--masks=thick", "--classes="]
    study._score(runs, OPTIONS, flags, tmp_path)
    assert len(asked) == 1 and asked[0][1] == list(TRAINED)
    assert asked[0][2] == {"image_size": "48", "masks": "thick", "classes": ""}
