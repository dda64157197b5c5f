"""Packages whose names are imported when used: commands explain themselves without Keras, which takes seconds."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any


class _LazyPackage(types.ModuleType):
    """A package some names of which are also those of its modules: what is exported stays in front."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system sets a module that was imported on its package.
        if not (isinstance(value, types.ModuleType) and name in vars(self).get("__all__", ())):
            super().__setattr__(name, value)


def lazily(package: str, modules: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Args:
        package: Its `__name__`.
        modules: Name -> the module that it is taken from.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            found = getattr(importlib.import_module(modules[name]), name)
        except ModuleNotFoundError as error:
            if error.name not in ("keras", "tensorflow"):
                raise
            raise ModuleNotFoundError(
                f"datamix_tf needs Keras 3 on TensorFlow, but {error.name!r} is not installed: "
                "pip install 'datamix-tf[tensorflow]'. (The edge client, serving.edge, needs neither.)",
                name=error.name,
            ) from error
        vars(sys.modules[package])[name] = found
        return found

    sys.modules[package].__class__ = _LazyPackage
    return get, lambda: sorted([*vars(sys.modules[package]), *modules])
