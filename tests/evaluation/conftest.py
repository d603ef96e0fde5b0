"""Small settings, a seeded trunk, and one finished evaluation to look at."""

import numpy as np
import pytest

from kinpaint.evaluation import contestants
from kinpaint.evaluation.options import EvalOptions
from kinpaint.metrics import trunks
from pipelines.options import PhotoOptions
from tests.evaluation.running import PICTURES, evaluate
from tests.metrics import recipe


@pytest.fixture(scope="session")
def photo(sample_dir):
    return PhotoOptions(
        data_dir=str(sample_dir),
        split="all",
        image_size=48,
        masks="thin + thick",
        batch_size=4,
        seed=1,
    )


@pytest.fixture(scope="session")
def seeded_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("weights")
    np.savez(directory / trunks.KINDS["alex"].file, **recipe.trunk("alex"))
    return str(directory)


@pytest.fixture(scope="session")
def options(seeded_dir):
    return EvalOptions(baselines="mean,telea", limit=PICTURES, weights_dir=seeded_dir)


@pytest.fixture(scope="session")
def plain():
    """The cheapest evaluation."""
    return EvalOptions(baselines="mean", limit=PICTURES, lpips="none")


@pytest.fixture(scope="session")
def out_dir(photo, options, tmp_path_factory):
    out = tmp_path_factory.mktemp("eval")
    paths, missing = evaluate(photo, options, out)
    names = ["metrics.json", "per_image.csv", "holes.jsonl", "report.html"]
    assert ([path.name for path in paths], missing) == (names, 0)
    return out


@pytest.fixture
def enter(monkeypatch):
    """Puts a model before the other contestants."""
    gather = contestants.gather

    def _enter(name, model, fingerprint="1"):
        one = contestants.Contestant(name, name, fingerprint, model.complete_batch, False)
        monkeypatch.setattr(contestants, "gather", lambda *given: [one, *gather(*given)])

    return _enter
