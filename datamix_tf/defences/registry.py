"""The defences that there are: ours, those of installed packages, and those of modules that a user names."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from typing import Any, TypeVar

from datamix_tf.defences.base import Defence

ENTRY_POINTS = "datamix_tf.defences"
_DEFENCES: dict[str, type[Defence]] = {}
Kind = TypeVar("Kind", bound=type[Defence])


def register(kind: Kind) -> Kind:
    """Adds a defence, a class decorator.

    Raises:
        ValueError: If it has no `id`, or another class has the same.
    """
    if not isinstance(getattr(kind, "id", None), str):
        raise ValueError(f"a defence needs an `id`, its name in --methods; {kind.__qualname__} has none")
    known = _DEFENCES.get(kind.id)
    if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise ValueError(f"there are two defences {kind.id!r}: {_name(known)} and {_name(kind)}; rename one")
    _DEFENCES[kind.id] = kind
    return kind


def all_defences() -> dict[str, type[Defence]]:
    """The registered defences by id, ours first, in the order of the papers' tables."""
    _load_packages()
    return dict(_DEFENCES)


def load_plugin(module: str) -> None:
    """Imports a user's module, which registers what it adds.

    Raises:
        ImportError: If it cannot be imported.
    """
    importlib.import_module(module)


def to_dict(defence: Defence) -> dict[str, Any]:
    """A JSON-ready description: the `id` and the settings."""
    return {"id": defence.id, **defence.settings}


def from_dict(described: dict[str, Any]) -> Defence:
    """The defence that `to_dict` described. Raises ValueError if it is not registered."""
    return get(described["id"]).of(described)


def get(id: str) -> type[Defence]:
    """The defence of an id.

    Raises:
        ValueError: If there is none; says which there are.
    """
    known = all_defences()
    if id not in known:
        raise ValueError(
            f"there is no method {id!r}; there are {', '.join(known)}. One of your own is found with --plugin MODULE"
        )
    return known[id]


@functools.cache
def _load_packages() -> None:
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        entry.load()


def _name(kind: type[Defence]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
