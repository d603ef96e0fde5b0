"""Writes `.pth` files as PyTorch does, in both containers, without PyTorch."""

import collections
import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy as np


def _rebuild_tensor_v2(*_):
    raise AssertionError("only a name in the pickle")


class FloatStorage:
    """Only a name in the pickle."""


_rebuild_tensor_v2.__module__, FloatStorage.__module__ = "torch._utils", "torch"


class _Tensor:
    def __init__(self, key, array, offset=0):
        self.key, self.array, self.offset = key, array, offset

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        count = self.array.size + self.offset
        reference = _Reference(self.key, count)
        requires_grad, hooks = False, collections.OrderedDict()
        arguments = (reference, self.offset, self.array.shape, strides, requires_grad, hooks)
        return _rebuild_tensor_v2, arguments


class _Reference:
    def __init__(self, key, count):
        self.key, self.count = key, count


class _Pickler(pickle.Pickler):
    extra = ()

    def persistent_id(self, thing):
        if isinstance(thing, _Reference):
            return ("storage", FloatStorage, thing.key, "cpu", thing.count, *self.extra)
        return None


class _StreamPickler(_Pickler):
    extra = (None,)  # the older stream names views of storages


@contextlib.contextmanager
def _named_torch():
    """Modules under PyTorch's names, so that pickle can refer to what is in them."""
    names = {
        "torch": types.SimpleNamespace(FloatStorage=FloatStorage),
        "torch._utils": types.SimpleNamespace(_rebuild_tensor_v2=_rebuild_tensor_v2),
    }
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(names)
    yield
    for name, module in before.items():
        sys.modules.pop(name) if module is None else sys.modules.update({name: module})


def _pickled(thing, pickler=_Pickler):
    file = io.BytesIO()
    with _named_torch():
        pickler(file, protocol=2).dump(thing)
    return file.getvalue()


def _tensors(arrays):
    items = enumerate(arrays.items())
    return collections.OrderedDict((name, _Tensor(str(i), array)) for i, (name, array) in items)


def save_zip(path, arrays, **more):
    """The container since PyTorch 1.6; `more` goes into the pickle as it is."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled({**_tensors(arrays), **more}))
        archive.writestr("archive/byteorder", "little")
        for i, array in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{i}", np.asarray(array, "<f4").tobytes())


def save_stream(path, arrays, **more):
    """The older stream."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    with open(path, "wb") as file:
        for part in head:
            file.write(_pickled(part))
        file.write(_pickled({**_tensors(arrays), **more}, _StreamPickler))
        file.write(_pickled([str(i) for i in range(len(arrays))]))
        for array in arrays.values():
            file.write(struct.pack("<q", array.size) + np.asarray(array, "<f4").tobytes())


def save_reaching_outside(path, array):
    """A zip whose tensor begins behind the first element of a storage it just fills."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled({"features.0": _Tensor("0", array, 1)}))
        archive.writestr("archive/data/0", array.tobytes())
