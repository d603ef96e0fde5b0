"""PyTorch's files without PyTorch: three containers, nothing but tensors, no bomb."""

import io
import os
import pickle
import zipfile

import ml_dtypes
import numpy as np
import pytest

from kinpaint.weights import torch_files
from tests.weights import torch_like

SAVERS = [torch_like.save_zip, torch_like.save_stream]
WHOLE = [*SAVERS, torch_like.save_lightning, torch_like.save_torchscript]


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


@pytest.mark.parametrize("save", WHOLE)
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
    values = np.ones(4, "float32")  # and a view that begins behind the first of them
    torch_like.save_view(tmp_path / "file.pth", values, values, offset=1)
    with pytest.raises(ValueError, match="outside its storage"):
        torch_files.read(tmp_path / "file.pth")


@pytest.mark.parametrize(
    "save, prefix",
    [(torch_like.save_lightning, "state_dict."), (torch_like.save_torchscript, "")],
)
def test_reads_what_stands_inside_dicts_and_modules(save, prefix, tmp_path):
    arrays = {
        "generator.model.1.conv.weight": np.arange(6, dtype="float32").reshape(2, 3),
        "generator.model.1.bn.bias": np.ones(3, "float32"),
        "other.bias": np.zeros(1, "float32"),
    }
    save(tmp_path / "file.pt", arrays)
    read = torch_files.read(tmp_path / "file.pt")
    assert set(read) == {prefix + name for name in arrays}
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[prefix + name], array)
    chosen = torch_files.read(tmp_path / "file.pt", f"{prefix}generator.model.1.conv")
    assert list(chosen) == [f"{prefix}generator.model.1.conv.weight"]


CALLS = [
    ("os", "system", "touch ran"),
    ("subprocess", "Popen", "touch ran"),
    ("builtins", "eval", "open('ran', 'w')"),
    ("__builtin__", "eval", "open('ran', 'w')"),
    ("builtins", "getattr", "ran"),
    ("pathlib", "Path.touch", "ran"),
    ("importlib", "import_module", "os"),
    ("runpy", "run_path", "ran"),
    ("operator", "attrgetter", "ran"),
    ("nt", "system", "touch ran"),
]


@pytest.mark.parametrize("module, name, argument", CALLS)
def test_python_s_own_functions_end_the_reading(module, name, argument, tmp_path, monkeypatch):
    """The call written out in opcodes, so that no module need have it here."""
    monkeypatch.chdir(tmp_path)
    call = [b"\x80\x04"]
    for text in (module, name):
        call.append(b"\x8c" + bytes([len(text)]) + text.encode())
    call += [b"\x93\x8c", bytes([len(argument)]), argument.encode(), b"\x85R."]
    with zipfile.ZipFile("file.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"".join(call))
    with pytest.raises(ValueError, match="refused to load"):
        torch_files.read("file.pth")
    assert os.listdir() == ["file.pth"]


def test_classes_of_others_are_neither_imported_nor_made(tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("open('ran', 'w')\nclass Trap: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    pickled = b"\x80\x04}\x8c\x01a\x8c\x04trap\x8c\x04Trap\x93)R}\x8c\x01b\x8c\x01csbs."
    with zipfile.ZipFile("file.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    assert torch_files.read("file.pth") == {}
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickled)  # an ordinary reader would have
    assert (tmp_path / "ran").exists()


def _bomb(path, member, size=1 << 28):
    """A member of zeros that packs to a thousandth."""
    pickled = io.BytesIO()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        torch_like.save_zip(pickled, {"a": np.ones(1, "float32")})
        with zipfile.ZipFile(pickled) as whole:
            archive.writestr("archive/data.pkl", whole.read("archive/data.pkl"))
        archive.writestr(f"archive/{member}", bytes(size))


@pytest.mark.parametrize("member", ["data/0", "byteorder"])
def test_a_zip_bomb_is_not_unpacked(member, tmp_path):
    _bomb(tmp_path / "file.pth", member)
    assert (tmp_path / "file.pth").stat().st_size < 1 << 20
    with pytest.raises(ValueError, match="far more memory"):
        torch_files.read(tmp_path / "file.pth")


def test_a_small_tensor_cannot_be_spread_over_all_memory(tmp_path):
    """Strides of 0 repeat one number a billion times."""
    spread = np.lib.stride_tricks.as_strided(np.ones(1, "float32"), (1 << 15, 1 << 15), (0, 0))
    torch_like.save_view(tmp_path / "file.pth", spread, np.ones(1, "float32"))
    with pytest.raises(ValueError, match="far more memory"):
        torch_files.read(tmp_path / "file.pth")


def test_endless_names_are_told(tmp_path):
    inside = top = {}
    for _ in range(100):  # each inside the other
        inside["a"] = inside = {}
    torch_like.save_zip(tmp_path / "deep.pth", {}, top=top)
    shared = {}
    for _ in range(40):  # 2^40 names, written in a few bytes
        shared = {"a": shared, "b": shared}
    torch_like.save_zip(tmp_path / "wide.pth", {}, top=shared)
    own = {}
    own["own"] = own
    torch_like.save_zip(tmp_path / "own.pth", {}, top=own)
    for name in ("deep", "wide", "own"):
        with pytest.raises(ValueError, match="holds no network"):
            torch_files.read(tmp_path / f"{name}.pth")


def test_many_remembered_objects_take_no_memory(tmp_path):
    """An opcode that remembers an object as number four billion."""
    with zipfile.ZipFile(tmp_path / "file.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}r\xff\xff\xff\xff.")
    assert torch_files.read(tmp_path / "file.pth") == {}


def test_half_precision_and_bfloat16_are_read(tmp_path):
    values = np.float32([1.5, -2.0, 0.25])
    arrays = {"half": np.float16(values), "brain": values.astype(ml_dtypes.bfloat16)}
    torch_like.save_zip(tmp_path / "file.pth", arrays)
    for array in torch_files.read(tmp_path / "file.pth").values():
        np.testing.assert_array_equal(array.astype("float32"), values)
