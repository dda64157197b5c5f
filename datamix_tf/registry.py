"""What can be named in a command and added from outside: by an installed package, or a module that a user names."""

from __future__ import annotations

import importlib.metadata
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Registry(Generic[Item]):
    """Items by id, ours first.

    Args:
        kind: What an item is called in messages.
        group: The entry point group of packages that add some; an entry point imports the module that registers.
    """

    def __init__(self, kind: str, group: str) -> None:
        self.kind, self.group = kind, group
        self.items: dict[str, Item] = {}
        self._loaded = False

    def add(self, id: str, item: Item, name: str, known_as: str | None) -> None:
        """Adds an item.

        Args:
            id: Its id.
            item: The item.
            name: What tells it from others.
            known_as: The name of the item that has the id already, if one has.

        Raises:
            ValueError: If another item has the id.
        """
        if known_as is not None and known_as != name:
            raise ValueError(f"there are two {self.kind}s {id!r}: {known_as} and {name}; rename one")
        self.items[id] = item

    def all(self) -> dict[str, Item]:
        """All items by id, with those of installed packages."""
        if not self._loaded:
            self._loaded = True
            for entry in importlib.metadata.entry_points(group=self.group):
                entry.load()
        return dict(self.items)

    def get(self, id: str) -> Item:
        """The item of an id.

        Raises:
            ValueError: If there is none; says which there are.
        """
        known = self.all()
        if id not in known:
            raise ValueError(
                f"there is no {self.kind} {id!r}; there are {', '.join(known)}. One of your own is found with --plugin "
                "MODULE"
            )
        return known[id]
