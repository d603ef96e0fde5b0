"""The model card says what a model is, and nothing of the machine it was made on."""

import json

from kinpaint.serving import card


def test_a_card_tells_settings_scores_and_credits_but_no_places(tiny_network, tmp_path):
    run, data = tmp_path / "runs" / "first", tmp_path / "photos"
    run.mkdir(parents=True)
    data.mkdir()
    (data / "CREDITS.md").write_text("by somebody, CC BY 4.0")
    rows = [{"step": 5, "validation_psnr": 20.5}, {"step": 6, "loss": 1.0}]
    rows += [{"step": 9, "validation_psnr": 21.5}]  # later than what is exported
    lines = [json.dumps(row) for row in rows]
    (run / "history.jsonl").write_text("\n".join([*lines, '{"step": 10, "val']))  # and torn
    flags = {"run_dir": str(run), "data_dir": str(data), "learning_rate": "0.001"}
    info = {"model": "cnn", "model_settings": {"width": 4}, "step": 6}
    made = card.describe(
        tiny_network, "tiny", run, "raw", info | {"data_dir": str(data), "flags": flags}
    )
    text = json.dumps(made)
    assert str(tmp_path) not in text
    assert made["flags"] == {"learning_rate": "0.001"}
    assert made["scores"] == rows[0]
    assert made["data"] == {"name": "photos", "credits": "by somebody, CC BY 4.0"}
    assert made["parameters"] == tiny_network.count_params()
    assert "coarse to fine" in made["signatures"]
    assert made["run"] == "first" and made["model"] == "cnn"


def test_a_run_without_history_or_data_has_none(tiny_network, tmp_path):
    made = card.describe(tiny_network, "tiny", tmp_path, "ema", {"model": "cnn"})
    assert made["scores"] is None and made["data"] is None and made["weights"] == "ema"
