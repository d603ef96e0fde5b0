"""One small evaluation, run and study, made by the commands that a report reads."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest

from kinpaint.evaluation import contestants, session
from kinpaint.evaluation.figures import Figures
from kinpaint.evaluation.options import EvalOptions
from kinpaint.reporting import session as reporting
from kinpaint.reporting.options import ReportOptions
from kinpaint.training import session as training
from pipelines.options import PhotoOptions
from tests.evaluation.running import Model, noise
from tests.training.test_session import settings

HOSTILE = "<script>alert(1)<b>.jpg"
SHOWN = ("chelsea_*", "<script>*")
CREDIT = ("Chelsea the cat, Stefan van der Walt, CC0",)
SIDE = 32


def flat(images, seed):
    return np.full_like(images, 120)


LEARNED = {"mlp": noise, "cnn": flat, "gated": noise}  # worst, better, worst again


@pytest.fixture(scope="session")
def photos(sample_dir, tmp_path_factory):
    """Photos that may be shown, one of them with a hostile name, and others that may not."""
    root = tmp_path_factory.mktemp("report") / "photos"
    for label, pattern in {"animals": "chelsea_*", "people": "astronaut_*"}.items():
        (root / label).mkdir(parents=True)
        for path in sorted((sample_dir / label).glob(pattern))[:4]:
            shutil.copy(path, root / label / path.name)
    (root / "animals" / "chelsea_000.jpg").rename(root / "animals" / HOSTILE)
    return root


@pytest.fixture(scope="session")
def scored(photos):
    """An evaluation of three models, named as architectures, with its pictures kept."""
    gather = contestants.gather

    def with_ours(*given):
        ours = [
            contestants.Contestant(name, name, name, Model(fill).complete_batch, False)
            for name, fill in LEARNED.items()
        ]
        return [*ours, *gather(*given)]

    photo = PhotoOptions(
        data_dir=str(photos), split="all", image_size=SIDE, masks="thick", batch_size=4
    )
    out = photos.parent / "eval"
    options = EvalOptions(baselines="mean,telea", lpips="none", out_dir=str(out))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contestants, "gather", with_ours)
        session.evaluate(photo, options)
    return out


@pytest.fixture(scope="session")
def trained(sample_dir, photos):
    """A run of six steps with pictures and validations at every second."""
    run_dir = photos.parent / "run"
    training.train(
        settings(
            sample_dir,
            run_dir,
            discriminator="none",
            steps=6,
            validate_every=2,
            pictures_every=2,
            learning_rate=0.05,
        )
    )
    return run_dir


@pytest.fixture(scope="session")
def study(scored):
    """A study in the shape that kinpaint.ablate writes, over the same scores."""
    out = scored.parent / "study"
    shutil.copytree(scored, out / "scores")
    metrics = json.loads((scored / "metrics.json").read_text())
    found = Figures(metrics).pair("gated", "cnn", "psnr_hole")
    versus = {"difference": found["mean"], "ci95": found["ci95"], "p": found["p_sign"]}
    variants = {
        name: {
            "flags": [] if name == "cnn" else [f"--model={name}(width=4)"],
            "runs": [],
            "seeds": [1],
            "parameters": 12345,
            "multiply_adds": 6_700_000,
            "seconds_per_image": 0.5,
            "steps": 100,
            "cpu_minutes": 3.0,
            "metrics": {"psnr_hole": metrics["models"][name]["psnr_hole"]},
            "versus_base": None if name == "cnn" else {"psnr_hole": versus},
        }
        for name in ("cnn", "gated")
    }
    about = {"base": "cnn", "metric": "psnr_hole", "lower_is_better": ["l1_hole"]}
    about |= {"image_size": SIDE, "masks": "thick"}
    text = json.dumps({"settings": about, "variants": variants})
    (out / "ablation.json").write_text(text)
    (out / "curves.csv").write_text(
        "variant,seed,step,cpu_minutes,metric,value\n"
        "cnn,1,50,1.5,psnr_hole,15.0\ncnn,1,100,3.0,psnr_hole,16.0\n"
    )
    return out


@pytest.fixture
def options(scored, tmp_path):
    """The least that makes a report with pictures."""
    return ReportOptions(
        eval=(f"first={scored}",), show=SHOWN, credit=CREDIT, out_dir=str(tmp_path / "out")
    )


@pytest.fixture
def page(options):
    """Writes a report; returns its text."""

    def _page(**changes):
        paths = reporting.write(dataclasses.replace(options, **changes))
        return pathlib.Path(paths[0]).read_text(encoding="utf-8")

    return _page
