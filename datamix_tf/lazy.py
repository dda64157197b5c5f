"""Packages whose names are imported when used: commands explain themselves without Keras, which takes seconds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


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

    return get, lambda: sorted([*vars(sys.modules[package]), *modules])
