"""Reads tensors from a PyTorch `.pth` file without PyTorch.

Two containers are known: the zip archive (PyTorch 1.6 and later) and the older
stream. In both a pickle describes the tensors and raw storages follow. A pickle can
call anything, so the reader resolves four harmless names and refuses every other:
nothing but ordered dicts and tensors can come out of it.
"""

import collections
import dataclasses
import io
import math
import pickle
import struct
import zipfile

import numpy as np

_STREAM_MAGIC = 0x1950A86A20F9469CFC6C
_STREAM_PROTOCOL = 1001
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


@dataclasses.dataclass(frozen=True)
class _Storage:
    """A block of numbers named in the pickle, not yet read."""

    key: str
    dtype: str
    count: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage: offset, shape and strides, in elements."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


def read(path, prefix=""):
    """The tensors whose names start with `prefix`, as a dict of NumPy arrays.

    Raises:
        ValueError: not a state dict in one of the two containers, a pickle that holds
            anything but tensors, or a tensor that reaches outside its storage.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path, prefix)
        return _read_stream(path, prefix)
    except ValueError:
        raise
    except Exception as error:  # zipfile and pickle raise a dozen kinds on damaged files
        raise ValueError(f"{path} is not a PyTorch file of tensors: {error}") from error


def _read_zip(path, prefix):
    with zipfile.ZipFile(path) as archive:
        index = next((n for n in archive.namelist() if n.endswith("/data.pkl")), "data.pkl")
        root = index.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist():
            _require_little(archive.read(f"{root}byteorder") == b"little")
        tensors = _tensors(_Unpickler(io.BytesIO(archive.read(index))), prefix)
        return {
            name: _view(name, tensor, archive.read(f"{root}data/{tensor.storage.key}"))
            for name, tensor in tensors.items()
        }


def _read_stream(path, prefix):
    """Five pickles (magic, protocol, system, object, keys), then each storage in turn."""
    with open(path, "rb") as file:
        if [_Unpickler(file).load() for _ in range(2)] != [_STREAM_MAGIC, _STREAM_PROTOCOL]:
            raise ValueError(f"{path} is neither a zip archive nor PyTorch's older stream")
        _require_little(_Unpickler(file).load()["little_endian"])
        described = _Unpickler(file)
        tensors = _tensors(described, prefix)
        wanted = {tensor.storage.key for tensor in tensors.values()}
        contents = {}
        for key in _Unpickler(file).load():
            (count,) = struct.unpack("<q", file.read(8))
            size = count * np.dtype(described.storages[key].dtype).itemsize
            if key in wanted:
                contents[key] = file.read(size)
            else:
                file.seek(size, io.SEEK_CUR)
    return {name: _view(name, t, contents[t.storage.key]) for name, t in tensors.items()}


def _require_little(little):
    if not little:
        raise ValueError("the file is big-endian; only little-endian files are read")


def _tensors(unpickler, prefix):
    loaded = unpickler.load()
    if not isinstance(loaded, dict):
        raise ValueError(f"the file holds a {type(loaded).__name__}, not a dict of tensors")
    chosen = {k: v for k, v in loaded.items() if isinstance(k, str) and k.startswith(prefix)}
    for name, tensor in chosen.items():
        if not isinstance(tensor, _Tensor):
            raise ValueError(f"{name} is no tensor")
    return chosen


def _view(name, tensor, content):
    """The tensor's values out of the bytes of its storage."""
    values = np.frombuffer(content, tensor.storage.dtype)
    steps = [(n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)]
    inside = min(tensor.offset, 0, *tensor.shape, *tensor.strides) >= 0
    if not inside or (math.prod(tensor.shape) and tensor.offset + sum(steps) >= len(values)):
        raise ValueError(f"{name} reaches outside its storage: the file is damaged")
    strides = [step * values.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides)
    return view.copy()


class _Unpickler(pickle.Unpickler):
    """Knows ordered dicts, tensors and storages; refuses every other name."""

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        """Resolves a name of the pickle."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"refused to load {module}.{name}: only tensors are read")

    def persistent_load(self, reference):
        """A storage: ("storage", type, key, device, count), in the stream and a view."""
        kind, dtype, key, _, count, *view = reference
        if kind != "storage" or dtype not in _DTYPES.values() or view not in ([], [None]):
            raise pickle.UnpicklingError(f"refused a reference to {kind!r}")
        return self.storages.setdefault(key, _Storage(key, dtype, count))


def _rebuild_tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("refused a tensor without a storage")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, *_):
    return tensor
