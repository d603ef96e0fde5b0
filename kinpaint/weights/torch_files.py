"""Tensors of PyTorch's files without PyTorch: .pth, .ckpt (Lightning), .pt (TorchScript).

Two containers are known: the zip archive (PyTorch 1.6 and later) and the older stream. In both
a pickle describes objects and tensors, and raw storages follow. What comes out is one flat dict
of arrays: names inside dicts and modules are joined by dots, as in `state_dict.generator.w`.

A pickle can call anything, so nothing it names is ever imported or called here. Tensors and
dicts are built by this module; the classes of training frameworks that stand beside them
(settings, callbacks) become an object that swallows whatever it is given; a name of Python
itself that is not known to be harmless (os.system, builtins.eval) ends the reading. Nor can a
small file ask for a lot of memory: what is unpacked is bounded by the size of the file.
"""

import collections
import dataclasses
import io
import math
import os
import pickle
import struct
import sys
import zipfile

import ml_dtypes
import numpy as np

from kinpaint import npz

_STREAM_MAGIC = 0x1950A86A20F9469CFC6C
_STREAM_PROTOCOL = 1001
STREAM_START = pickle.dumps(_STREAM_MAGIC, protocol=2)  # the first bytes of such a file
_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
_MOST_NAMES = 100_000  # LaMa's training file has about 2,000
_DEEPEST = 64  # dicts and modules inside each other
# What Python's own modules may be asked for: kinds of data that settings are made of.
_HARMLESS = {
    "builtins": "set frozenset slice complex range xrange bytearray bytes object type int long "
    "float str unicode bool list dict tuple",
    "collections": "OrderedDict defaultdict deque Counter",
    "copyreg": "_reconstructor",
    "_codecs": "encode",
    "argparse": "Namespace",
    "types": "SimpleNamespace",
    "datetime": "datetime date time timedelta timezone",
    "pathlib": "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
    "pathlib._local": "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
    "typing": "Any Union Optional List Dict Tuple",
    "functools": "partial",
    "uuid": "UUID",
    "decimal": "Decimal",
}
_OLD_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # of Python 2, in protocol 2


@dataclasses.dataclass(frozen=True)
class _Storage:
    """A block of numbers named in the pickle, not yet read."""

    key: str
    dtype: np.dtype
    count: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
    """A view of a storage: offset, shape and strides, in elements."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


class _Inert:
    """Stands for an object of any other class: takes everything, keeps and does nothing."""

    def __new__(cls, *args, **kwargs):
        """Whatever the class's constructor would take."""
        return super().__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        """As a list."""

    def extend(self, items):
        """As a list."""

    def add(self, item):
        """As a set."""


class _Module(_Inert):
    """A TorchScript module, which is made without arguments and given its attributes."""

    def __setstate__(self, state):
        state = state if isinstance(state, dict) else {}
        kinds = (_Tensor, _Module, dict)  # beside them stand flags, such as `training`
        self.attributes = {k: v for k, v in state.items() if isinstance(v, kinds)}


def read(path, prefix=""):
    """The tensors whose names start with `prefix`, as a dict of NumPy arrays.

    Raises:
        ValueError: not a file of tensors in one of the two containers, a pickle that holds
            code, a tensor that reaches outside its storage, or one that asks for far more
            memory than the file has bytes.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path, prefix)
        return _read_stream(path, prefix)
    except ValueError:
        raise
    except Exception as error:  # zipfile and pickle raise a dozen kinds on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} is not a PyTorch file of tensors: {reason}") from error


def _read_zip(path, prefix):
    with zipfile.ZipFile(path) as archive:
        budget = npz.Budget(path)
        index = next((n for n in archive.namelist() if n.endswith("/data.pkl")), "data.pkl")
        root = index.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist():
            _require_little(budget.read(archive, f"{root}byteorder") == b"little")
        described = _Unpickler(io.BytesIO(budget.read(archive, index)))
        tensors = _tensors(described.load(), prefix)
        by_storage = collections.defaultdict(dict)
        for name, tensor in tensors.items():
            by_storage[tensor.storage.key][name] = tensor
        arrays = {}
        for key, views in by_storage.items():
            content = budget.read(archive, f"{root}data/{key}")
            arrays |= {name: _view(name, t, content, budget) for name, t in views.items()}
        return {name: arrays[name] for name in tensors}


def _read_stream(path, prefix):
    """Five pickles (magic, protocol, system, object, keys), then each storage in turn."""
    with open(path, "rb") as file:
        budget = npz.Budget(path)
        if [_Unpickler(file).load() for _ in range(2)] != [_STREAM_MAGIC, _STREAM_PROTOCOL]:
            raise ValueError(f"{path} is neither a zip archive nor PyTorch's older stream")
        _require_little(_Unpickler(file).load()["little_endian"])
        described = _Unpickler(file)
        tensors = _tensors(described.load(), prefix)
        wanted = {tensor.storage.key for tensor in tensors.values()}
        contents = {}
        for key in _Unpickler(file).load():
            (count,) = struct.unpack("<q", file.read(8))
            size = count * described.storages[key].dtype.itemsize
            if not 0 <= size <= os.path.getsize(path):
                raise ValueError(f"storage {key} is larger than the file: it is damaged")
            if key in wanted:
                contents[key] = file.read(size)
            else:
                file.seek(size, io.SEEK_CUR)
    return {
        name: _view(name, t, contents[t.storage.key], budget) for name, t in tensors.items()
    }


def _require_little(little):
    if not little:
        raise ValueError("the file is big-endian; only little-endian files are read")


def _tensors(loaded, prefix):
    """{dotted name: tensor} of all dicts and modules inside `loaded`, in the file's order."""
    if not isinstance(loaded, (dict, _Module)):
        raise ValueError(f"the file holds a {type(loaded).__name__}, not a dict of tensors")
    found, pending, seen = {}, [("", loaded, 0)], 0
    while pending:
        path, thing, depth = pending.pop()
        seen += 1
        if depth > _DEEPEST or max(seen, len(pending)) > _MOST_NAMES:
            raise ValueError(
                f"the file names more than {_MOST_NAMES:,} things, or {_DEEPEST} inside each "
                "other: it holds no network"
            )
        inside = getattr(thing, "attributes", {}) if isinstance(thing, _Module) else thing
        if isinstance(inside, dict):
            items = [
                (f"{path}.{k}" if path else k, v) for k, v in inside.items() if _is_name(k)
            ]
            pending += [(*item, depth + 1) for item in reversed(items)]
        elif path.startswith(prefix):
            if isinstance(thing, _Tensor):
                found[path] = thing
            elif prefix:
                raise ValueError(f"{path} is no tensor")
    return found


def _is_name(key):
    return isinstance(key, str) and len(key) < 1000


def _view(name, tensor, content, budget):
    """The tensor's values out of the bytes of its storage."""
    values = np.frombuffer(content, tensor.storage.dtype)
    steps = [(n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)]
    inside = min(tensor.offset, 0, *tensor.shape, *tensor.strides) >= 0
    size = math.prod(tensor.shape)
    if not inside or (size and tensor.offset + sum(steps) >= len(values)):
        raise ValueError(f"{name} reaches outside its storage: the file is damaged")
    budget.spend(name, size * values.itemsize)
    strides = [step * values.itemsize for step in tensor.strides]
    view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides)
    return view.copy()


class _Unpickler(pickle._Unpickler):
    """Knows dicts, tensors and storages; every other name is inert or refused.

    The unpickler written in Python: that in C sets aside as many places for remembered objects
    as the file names, and a few bytes can name four billion.
    """

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages = {}

    def find_class(self, module, name):
        """Resolves a name of the pickle."""
        module = _OLD_NAMES.get(module, module)
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        }
        if (module, name) in known:
            return known[module, name]
        if module in ("torch", "torch.storage") and name in _DTYPES:
            return _DTYPES[name]
        package = module.partition(".")[0]
        if package == "__torch__":
            return _Module
        if package in sys.stdlib_module_names and name not in _HARMLESS.get(module, "").split():
            raise pickle.UnpicklingError(f"refused to load {module}.{name}: it may be code")
        return _Inert

    def persistent_load(self, reference):
        """A storage: ("storage", type, key, device, count), in the stream and a view."""
        kind, dtype, key, _, count, *view = reference
        if kind != "storage" or not isinstance(dtype, np.dtype) or view not in ([], [None]):
            raise pickle.UnpicklingError(f"refused a reference to {kind!r}")
        return self.storages.setdefault(key, _Storage(key, dtype, count))


def _rebuild_tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("refused a tensor without a storage")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, *_):
    return tensor
