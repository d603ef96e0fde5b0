"""The binary: an exported model, a run directory and a baseline in one report."""

import json
import subprocess
import sys

import pytest

MODULE = [sys.executable, "-m", "kinpaint.eval"]


def _run(*arguments):
    return subprocess.run([*MODULE, *arguments], capture_output=True, text=True)


def test_helpshort_names_the_flags_and_an_example():
    answer = _run("--helpshort")
    for flag in ("--model", "--[no]save_pictures", "--shard", "--image_size", "--masks"):
        assert flag in answer.stdout
    assert "python -m kinpaint.eval" in answer.stdout


@pytest.mark.parametrize(
    "arguments", [["--data_dir=nowhere", "--out_dir=o"], ["--out_dir=o", "--level=99"]]
)
def test_bad_input_is_one_line_without_a_trace(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(pytest.importorskip("kinpaint").__path__[0] + "/.."))
    answer = _run(*arguments)
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert answer.stderr.strip().splitlines()[-1].startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_scores_a_run_and_its_export_alike(sample_dir, tmp_path):
    data = [f"--data_dir={sample_dir}", "--image_size=32", "--masks=thick", "--batch_size=4"]

    def call(module, *flags):
        subprocess.run([sys.executable, "-m", module, *flags], check=True, capture_output=True)

    run, models = tmp_path / "run", tmp_path / "saved_models"
    call(
        "kinpaint.train",
        "--model=cnn(width=8)",
        "--steps=2",
        "--checkpoint_every=2",
        f"--run_dir={run}",
        *data,
    )
    call("kinpaint.export", f"--run_dir={run}", "--name=tiny", f"--models_dir={models}")
    answer = _run(
        f"--model={run}",
        f"--model=exported={models / 'tiny'}",
        "--baselines=mean",
        "--split=all",
        "--limit=8",
        "--lpips=none",
        f"--out_dir={tmp_path / 'eval'}",
        *data,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split()[-1] == str(tmp_path / "eval" / "report.html")
    scored = json.loads((tmp_path / "eval" / "metrics.json").read_text())["models"]
    assert list(scored) == ["run", "exported", "mean"]
    for metric in ("psnr", "psnr_hole", "ssim", "l1_hole"):
        assert scored["run"][metric] == scored["exported"][metric]
