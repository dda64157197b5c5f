"""Covers: inputs that fill up groups, so that the number of true ones does not show."""

from __future__ import annotations

import collections
import dataclasses

import numpy as np

from serving.edge.cover_uses import CoverUses, name_of
from serving.edge.errors import CoverError
from serving.edge.keys import random_permutation


@dataclasses.dataclass(frozen=True)
class Drawing:
    """What a pool gave for a query.

    Attributes:
        covers: `[count, ...]`.
        again: How many of them were sent before.
        unused: How many are left that were never sent.
    """

    covers: np.ndarray
    again: int
    unused: int


class CoverPool:
    """Where covers come from.

    Those that were used least come first, in random order: an input that comes again in another message gives the cloud
    equations (docs/concepts/threat-model.md).

    Args:
        remember: How many of the client's own inputs are kept as covers for later queries, which come last; 0 keeps
            none.
        uses: Counts how often each was sent; default: in memory.
    """

    def __init__(self, remember: int = 0, uses: CoverUses | None = None) -> None:
        self._named: dict[str, np.ndarray] = {}
        self._uses = uses or CoverUses()
        self._earlier = collections.deque(maxlen=remember)

    def __len__(self) -> int:
        return len(self._named) + len(self._earlier)

    def add(self, covers: np.ndarray) -> None:
        """Adds inputs that the user chose as covers, `[covers, ...]`; those that are there already count once."""
        for cover in covers:
            self._named.setdefault(name_of(cover), np.array(cover))

    def draw(self, x: np.ndarray, count: int) -> Drawing:
        """Distinct covers for a query, counted as sent.

        Args:
            x: The true inputs, which cannot cover themselves.
            count: How many covers are needed.

        Returns:
            Covers, drawn with the operating system's generator.

        Raises:
            CoverError: If the pool has too few that differ from each other and from `x`.
            EdgeError: If the counts cannot be kept.
        """
        if not count:
            return Drawing(x[:0], 0, len(self._named))
        used = {row.tobytes() for row in x}
        names = list(self._named)
        names = [names[index] for index in random_permutation(len(names))]
        with self._uses.counting() as counts:
            names.sort(key=lambda name: counts.get(name, 0))
            chosen = [name for name in names if self._named[name].tobytes() not in used][:count]
            covers = [self._named[name] for name in chosen]
            again = sum(counts.get(name, 0) > 0 for name in chosen)
            earlier = self._remembered(used | {cover.tobytes() for cover in covers}, count - len(covers))
            covers += earlier
            if len(covers) < count:
                raise CoverError(
                    f"{len(x)} input(s) need {count} cover(s) to fill their groups, and there are {len(covers)} that "
                    f"differ from them: name at least {count} inputs of the same kind as covers, which nobody else has"
                )
            for name in chosen:
                counts[name] = counts.get(name, 0) + 1
            unused = sum(name not in counts for name in names)
        return Drawing(np.stack(covers), again + len(earlier), unused)

    def _remembered(self, used: set[bytes], count: int) -> list[np.ndarray]:
        """At most so many distinct earlier inputs of the client that are not used yet."""
        found = {}
        for index in random_permutation(len(self._earlier)):
            row = self._earlier[index]
            if len(found) < count and row.tobytes() not in used:
                found[row.tobytes()] = row
        return list(found.values())

    def remember(self, x: np.ndarray) -> None:
        """Keeps inputs that were sent as covers for later queries, if the pool keeps any."""
        self._earlier.extend(np.array(row) for row in x)
