"""`python -m tools.documented_names`: names what is public in datamix_tf and serving and has no docstring.

Counted are modules, and the classes, functions, methods and properties that they define. What a base class defines is
told there, such as `call` of Keras's layers: the class says what its own takes and returns. ruff asks for docstrings of
modules, classes and functions only, because it cannot look into a base class.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import types
from collections.abc import Iterator

PACKAGES = ("datamix_tf", "serving")


def modules() -> Iterator[types.ModuleType]:
    """The modules of what is public, but for those that begin a command."""
    for package in map(importlib.import_module, PACKAGES):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(".__main__"):
                yield importlib.import_module(found.name)


def public(owner: types.ModuleType | type) -> Iterator[tuple[str, object]]:
    """Name -> function, class, method or property that a module or class itself defines."""
    module = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    fields = getattr(owner, "__dataclass_fields__", {})  # the class tells of them
    for name, value in vars(owner).items():
        if name.startswith("_") or name in fields:
            continue
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        if inspect.isclass(value) or inspect.isfunction(value):
            if value.__module__ == module:
                yield name, value
        elif isinstance(value, property):
            yield name, value


def names() -> Iterator[tuple[str, bool]]:
    """Every public name, and whether it is documented."""
    for module in modules():
        yield module.__name__, bool(module.__doc__)
        for name, value in public(module):
            yield f"{module.__name__}.{name}", bool(value.__doc__)
            if inspect.isclass(value):
                bases = value.__mro__[1:-1]
                for member, method in public(value):
                    if not any(member in vars(base) for base in bases):
                        yield f"{module.__name__}.{name}.{member}", bool(method.__doc__)


def main() -> int:
    """Says how many names are documented; returns 1 if one is not."""
    found = dict(names())
    missing = [name for name, documented in found.items() if not documented]
    for name in missing:
        print(f"no docstring: {name}")
    print(f"{len(found) - len(missing)} of {len(found)} public names are documented")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
