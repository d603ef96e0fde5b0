"""PyTorch's files without PyTorch: three containers, nothing but tensors, no bomb."""

import os
import pickle

import numpy as np
import pytest

from kinpaint.weights import torch_files
from tests.weights import torch_like

SAVERS = [torch_like.save_zip, torch_like.save_stream]


@pytest.mark.parametrize("save", SAVERS)
def test_reads_the_tensors_of_both_containers(save, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "classifier.1.weight": rng.normal(size=(5, 7)).astype("float32"),
        "features.0.weight": rng.normal(size=(4, 3, 2, 2)).astype("float32"),
        "features.0.bias": rng.normal(size=4).astype("float32"),
    }
    save(tmp_path / "file.pth", arrays)
    read = torch_files.read(tmp_path / "file.pth", "features.")
    assert list(read) == ["features.0.weight", "features.0.bias"]
    for name, array in read.items():
        np.testing.assert_array_equal(array, arrays[name])


class _Runs:
    """A pickle that would run a command when loaded."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.system, (f"touch {self.witness}",)


@pytest.mark.parametrize("save", SAVERS)
def test_refuses_anything_but_tensors_and_runs_nothing(save, tmp_path):
    witness = tmp_path / "ran"
    save(tmp_path / "file.pth", {}, state=_Runs(witness))
    with pytest.raises(ValueError, match="refused to load posix.system"):
        torch_files.read(tmp_path / "file.pth")
    pickle.loads(pickle.dumps(_Runs(witness)))  # an ordinary reader would have
    assert witness.exists()


@pytest.mark.parametrize("save", SAVERS)
def test_refuses_a_model_s_values_that_are_no_tensors(save, tmp_path):
    save(tmp_path / "file.pth", {}, **{"features.0.weight": [1, 2]})
    with pytest.raises(ValueError, match="features.0.weight is no tensor"):
        torch_files.read(tmp_path / "file.pth", "features.")


@pytest.mark.parametrize("save", SAVERS)
def test_a_cut_off_file_is_told(save, tmp_path):
    path = tmp_path / "file.pth"
    save(path, {"features.0.bias": np.ones(1000, "float32")})
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(ValueError):
        torch_files.read(path)


def test_a_tensor_cannot_reach_outside_its_storage(tmp_path):
    torch_like.save_reaching_outside(tmp_path / "file.pth", np.ones(4, "float32"))
    with pytest.raises(ValueError, match="outside its storage"):
        torch_files.read(tmp_path / "file.pth")
