"""Seeds, quiet TensorFlow, and the folders that tests may read."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", os.environ.get("KINPAINT_TEST_GPUS", ""))

import keras
import pytest

GOLDEN = pathlib.Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def golden():
    """Folder of reference figures."""
    return GOLDEN


def _folder(variable):
    path = os.environ.get(variable)
    if not path or not pathlib.Path(path).is_dir():
        pytest.skip(f"{variable} does not name a folder")
    return pathlib.Path(path)


@pytest.fixture(scope="session")
def photos_dir():
    """Real photographs in class folders, where the machine has them."""
    return _folder("KINPAINT_PHOTOS")


@pytest.fixture(scope="session")
def weights_dir():
    """LPIPS trunks as npz files, where the machine has them."""
    return _folder("KINPAINT_WEIGHTS")


@pytest.fixture(scope="session")
def sample_dir(tmp_path_factory):
    """The embedded sample, few crops a photograph."""
    from pipelines import sample

    out = tmp_path_factory.mktemp("sample")
    sample.write(sample.SampleOptions(out_dir=str(out), crops=6, crop_size=64))
    return out
