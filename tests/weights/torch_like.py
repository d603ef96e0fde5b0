"""Writes files as PyTorch does, without PyTorch: state dicts, Lightning's and TorchScript's."""

import collections
import contextlib
import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile


def _rebuild_tensor_v2(*_):
    raise AssertionError("only a name in the pickle")


class FloatStorage:
    """Only a name in the pickle."""


class HalfStorage:
    """Only a name in the pickle."""


class BFloat16Storage:
    """Only a name in the pickle."""


STORAGES = {"float32": FloatStorage, "float16": HalfStorage, "bfloat16": BFloat16Storage}
_rebuild_tensor_v2.__module__ = "torch._utils"
for storage in STORAGES.values():
    storage.__module__ = "torch"


class ModelCheckpoint:
    """A callback of Lightning: its files have the class for a key."""


class DictConfig(dict):
    """Settings of OmegaConf, with items and attributes of their own."""


class Module:
    """A TorchScript module: made without arguments, then given its attributes."""

    def __init__(self, **attributes):
        self.__dict__ = attributes


ModelCheckpoint.__module__, DictConfig.__module__ = "pytorch_lightning", "omegaconf"
Module.__module__ = "__torch__"


class _Tensor:
    def __init__(self, key, array, offset=0):
        self.key, self.array, self.offset = key, array, offset

    def __reduce__(self):
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        count = self.array.size + self.offset
        reference = _Reference(self.key, count, STORAGES[self.array.dtype.name])
        requires_grad, hooks = False, collections.OrderedDict()
        arguments = (reference, self.offset, self.array.shape, strides, requires_grad, hooks)
        return _rebuild_tensor_v2, arguments


class _Reference:
    def __init__(self, key, count, storage):
        self.key, self.count, self.storage = key, count, storage


class _Pickler(pickle.Pickler):
    extra = ()

    def persistent_id(self, thing):
        if isinstance(thing, _Reference):
            return ("storage", thing.storage, thing.key, "cpu", thing.count, *self.extra)
        return None


class _StreamPickler(_Pickler):
    extra = (None,)  # the older stream names views of storages


@contextlib.contextmanager
def _named_torch():
    """Modules under PyTorch's names, so that pickle can refer to what is in them."""
    names = {
        "torch": types.SimpleNamespace(**{s.__name__: s for s in STORAGES.values()}),
        "torch._utils": types.SimpleNamespace(_rebuild_tensor_v2=_rebuild_tensor_v2),
        "pytorch_lightning": types.SimpleNamespace(ModelCheckpoint=ModelCheckpoint),
        "omegaconf": types.SimpleNamespace(DictConfig=DictConfig),
        "__torch__": types.SimpleNamespace(Module=Module),
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
    _save_zip(path, {**_tensors(arrays), **more}, arrays)


def save_lightning(path, arrays, **more):
    """A training's checkpoint: the weights among settings, callbacks and counters."""
    settings = DictConfig(lr=1e-3, layers=[1, 2])
    settings.parent = types.SimpleNamespace(path=pathlib.PurePosixPath("/x"), names={"a"})
    callbacks = {ModelCheckpoint: {"best": None, "seen": ModelCheckpoint()}}
    thing = {"epoch": 7, "hyper_parameters": settings, "callbacks": callbacks, **more}
    _save_zip(path, {**thing, "state_dict": _tensors(arrays)}, arrays)


def save_torchscript(path, arrays, **more):
    """A traced module: one inside the other, by the parts of the names; no dict of weights."""
    root = Module(training=False, **more)
    for name, tensor in _tensors(arrays).items():
        module = root
        *parents, last = name.split(".")
        for parent in parents:
            module = module.__dict__.setdefault(parent, Module(training=False, code=None))
        module.__dict__[last] = tensor
    _save_zip(path, root, arrays)


def _save_zip(path, thing, arrays):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled(thing))
        archive.writestr("archive/byteorder", "little")
        for i, array in enumerate(arrays.values()):
            archive.writestr(f"archive/data/{i}", array.tobytes())


def save_stream(path, arrays, **more):
    """The older stream."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    with open(path, "wb") as file:
        for part in head:
            file.write(_pickled(part))
        file.write(_pickled({**_tensors(arrays), **more}, _StreamPickler))
        file.write(_pickled([str(i) for i in range(len(arrays))]))
        for array in arrays.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())


def save_view(path, view, stored, offset=0):
    """A zip with one tensor, of the shape and strides of `view`, over the values `stored`."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _pickled({"a": _Tensor("0", view, offset)}))
        archive.writestr("archive/data/0", stored.tobytes())
