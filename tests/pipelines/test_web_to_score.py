"""The road from the web to a score: scrape, build, train, evaluate, by the real commands."""

import json
import subprocess
import sys

import pytest

from tests.pipelines.fake_inaturalist import FakeINaturalist


def call(module, *flags):
    result = subprocess.run(
        [sys.executable, "-m", module, *flags], capture_output=True, text=True
    )
    assert result.returncode == 0, f"{module}: {result.stdout[-800:]}{result.stderr[-2000:]}"
    return result


@pytest.mark.slow
def test_from_the_web_to_a_score(tmp_path):
    """Photos of a faulty service, a level of them, 20 steps, and fixed holes to score."""
    photos, level, run, out = (str(tmp_path / name) for name in ("inat", "level", "run", "out"))
    with FakeINaturalist(unit=4, faults=True) as fake:
        where = [f"--api_url={fake.url}/v2", f"--photo_url={fake.url}", "--interval_s=0.01"]
        wanted = ["--per_class=24", "--contact=test@example.org", "--timeout_s=1"]
        call("pipelines.scrape", "run", f"--out_dir={photos}", *where, *wanted)
    call("pipelines.scrape", "verify", f"--out_dir={photos}")
    call("pipelines.build", f"--data_dir={photos}", "--level=3", f"--out_dir={level}")
    settings = ["--image_size=32", "--batch_size=4", "--steps=20", "--checkpoint_every=20"]
    quiet = ["--validate_every=0", "--pictures_every=0", "--log_every=10"]
    model = ["--model=cnn(width=4)", f"--run_dir={run}", f"--data_dir={photos}"]
    call("kinpaint.train", *model, *settings, *quiet, "--masks=rectangles(count=3)")
    history = [json.loads(line) for line in open(f"{run}/history.jsonl")]
    assert history[-1]["step"] == 20
    holes = f"--holes={level}/evaluation/val/holes.jsonl"
    scored = [f"--data_dir={level}", holes, f"--model=ours={run}", "--baselines=mean"]
    call("kinpaint.eval", *scored, "--lpips=none", "--batch_size=8", f"--out_dir={out}")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    listed = (tmp_path / "level" / "splits" / "val.txt").read_text().split()
    for name in ("ours", "mean"):
        found = metrics["models"][name]["psnr"]
        assert found["n"] == len(listed) > 0 and 5 < found["mean"] < 60
