"""The defences that there are: ours, those of installed packages, and those of modules that a user names."""

from __future__ import annotations

import importlib
from typing import Any, TypeVar

from datamix_tf.defences.base import Defence
from datamix_tf.registry import Registry

DEFENCES: Registry[type[Defence]] = Registry("method", "datamix_tf.defences")
Kind = TypeVar("Kind", bound=type[Defence])


def register(kind: Kind) -> Kind:
    """Adds a defence, a class decorator.

    Raises:
        ValueError: If it has no `id`, or another class has the same.
    """
    if not isinstance(getattr(kind, "id", None), str):
        raise ValueError(f"a defence needs an `id`, its name in --methods; {kind.__qualname__} has none")
    known = DEFENCES.items.get(kind.id)
    DEFENCES.add(kind.id, kind, _name(kind), None if known is None else _name(known))
    return kind


def all_defences() -> dict[str, type[Defence]]:
    """The registered defences by id, ours first, in the order of the papers' tables."""
    return DEFENCES.all()


def get(id: str) -> type[Defence]:
    """The defence of an id. Raises ValueError if there is none."""
    return DEFENCES.get(id)


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


def _name(kind: type[Defence]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
