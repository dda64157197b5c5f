"""Who is mixed with whom: orders of examples whose consecutive groups have mates of a wanted kind."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from datamix_tf.typing import Array

#: Mates drawn at random, all of different people, or all of one person (an album of one face).
MATES = ("any", "different", "same")


def arrange(people: Array, group_size: int, mates: str = "any", random: np.random.Generator | None = None) -> Array:
    """Orders examples so that consecutive groups have mates of the wanted kind.

    Args:
        people: Int array `[n]`: whose each example is.
        group_size: Rows in a group (S_G).
        mates: `"any"`, `"different"` (no two of a group are the same person's) or `"same"` (all are one person's).
        random: A `numpy.random.Generator`; default: a new one with seed 0.

    Returns:
        Int array of indices, a whole number of groups. Examples that fill no group of the kind are left out, each
        other one is there once.

    Raises:
        ValueError: If `mates` is unknown.
    """
    people = np.asarray(people)
    random = np.random.default_rng(0) if random is None else random
    order = random.permutation(len(people))
    if mates == "any" or group_size == 1:
        return order[: len(order) - len(order) % group_size]
    if mates not in MATES:
        raise ValueError(f"`mates` must be one of {MATES}. Received: {mates!r}")
    own = {person: [] for person in np.unique(people).tolist()}
    for index in order:
        own[people[index].item()].append(index)
    groups = _of_one(own, group_size) if mates == "same" else _of_different(own, group_size, random)
    return np.array([groups[k] for k in random.permutation(len(groups))], dtype=int).reshape(-1)


def _of_one(own: dict[Any, list[int]], group_size: int) -> list[list[int]]:
    return [
        indices[start : start + group_size]
        for indices in own.values()
        for start in range(0, len(indices) - group_size + 1, group_size)
    ]


def _of_different(own: dict[Any, list[int]], group_size: int, random: np.random.Generator) -> list[list[int]]:
    """Takes one example each of the people with the most that are left, so that few are left over."""
    left = [(-len(indices), random.random(), person) for person, indices in own.items()]
    heapq.heapify(left)
    groups = []
    while len(left) >= group_size:
        members = [heapq.heappop(left) for _ in range(group_size)]
        groups.append([own[person].pop() for _, _, person in members])
        for count, _, person in members:
            if count < -1:
                heapq.heappush(left, (count + 1, random.random(), person))
    return groups
