"""Covers: inputs that fill up groups, so that the number of true ones does not show."""

from __future__ import annotations

import collections

import numpy as np

from serving.edge.errors import CoverError
from serving.edge.keys import random_permutation


class CoverPool:
    """Where covers come from.

    Those that were used least come first, in random order: an input that comes again in another message gives the cloud
    equations (docs/threat-model.md).

    Args:
        remember: How many of the client's own inputs are kept as covers for later queries, which come last; 0 keeps
            none.
    """

    def __init__(self, remember: int = 0) -> None:
        self._named: list[np.ndarray] = []
        self._uses: list[int] = []
        self._earlier = collections.deque(maxlen=remember)

    def __len__(self) -> int:
        return len(self._named) + len(self._earlier)

    def add(self, covers: np.ndarray) -> None:
        """Adds inputs that the user chose as covers, `[covers, ...]`; those that are there already count once."""
        present = {cover.tobytes() for cover in self._named}
        for cover in covers:
            if cover.tobytes() not in present:
                present.add(cover.tobytes())
                self._named.append(np.array(cover))
                self._uses.append(0)

    def draw(self, x: np.ndarray, count: int) -> np.ndarray:
        """Distinct covers for a query.

        Args:
            x: The true inputs, which cannot cover themselves.
            count: How many covers are needed.

        Returns:
            `[count, ...]`, drawn with the operating system's generator.

        Raises:
            CoverError: If the pool has too few that differ from each other and from `x`.
        """
        used = {row.tobytes() for row in x}
        order = random_permutation(len(self._named))
        order = order[np.argsort([self._uses[index] for index in order], kind="stable")] if len(order) else order
        chosen, covers = [], []
        for index in order:
            if len(covers) < count and self._named[index].tobytes() not in used:
                chosen.append(index)
                covers.append(self._named[index])
        used |= {cover.tobytes() for cover in covers}
        for index in random_permutation(len(self._earlier)):
            earlier = self._earlier[index]
            if len(covers) < count and earlier.tobytes() not in used:
                used.add(earlier.tobytes())
                covers.append(earlier)
        if len(covers) < count:
            raise CoverError(
                f"{len(x)} input(s) need {count} cover(s) to fill their groups, and there are {len(covers)} that "
                f"differ from them: name at least {count} inputs of the same kind as covers"
            )
        for index in chosen:
            self._uses[index] += 1
        return np.stack(covers) if count else x[:0]

    def remember(self, x: np.ndarray) -> None:
        """Keeps inputs that were sent as covers for later queries, if the pool keeps any."""
        self._earlier.extend(np.array(row) for row in x)
