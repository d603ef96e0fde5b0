"""Public names of a package whose modules load when a name is first used (PEP 562)."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping


def names(
    package: str, where: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        where: {public name: module below the package that defines it}.

    Submodules are found too: `kinpaint.metrics.quality` needs no import of its own.
    """

    def get(name: str) -> object:
        if name in where:
            return getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        full_name = f"{package}.{name}"
        if name.startswith("_") or importlib.util.find_spec(full_name) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return importlib.import_module(full_name)

    return get, lambda: sorted({*vars(sys.modules[package]), *where}), sorted(where)
