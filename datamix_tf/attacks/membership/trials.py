"""Mixtures and candidates: as many members as strangers, as each threat model sees them."""

from __future__ import annotations

import dataclasses

import numpy as np

from datamix_tf.attacks.membership.codes import WhiteCodes
from datamix_tf.typing import Array

VIEWS = ("single", "linked", "pooled")
POOL_GROUPS = 32  # most groups in a pool
ROUNDS = 8  # times that the inputs are put into new groups
POOLS = 16
ASKED = 128  # most members, and most strangers, that are asked about in a pool


@dataclasses.dataclass(frozen=True)
class Trials:
    """Scenes, and candidates asked about in each.

    Attributes:
        mixtures: What the attacker sees in each scene, `[scenes, r, k]`.
        codes: The candidates' codes, without the edge's noise, `[scenes, c, k]`.
        members: Whether a candidate is in the scene, bool `[scenes, c]`.
        group: What was drawn together with a scene, `[scenes, c]`: the group, or the pool.
        index: Which input the candidate is, `[scenes, c]`.
    """

    mixtures: Array
    codes: Array
    members: Array
    group: Array
    index: Array


def draw_trials(
    white: WhiteCodes, codes: Array, view: str, random: np.random.Generator, groups: int, rounds: int | None = None
) -> Trials:
    """Mixes inputs in new groups again and again, and asks about members and about as many strangers.

    `"single"`: of each mixture of a group, one member and one stranger. `"linked"`: of each group, all members, and the
    members of the next as strangers. `"pooled"`: of half of the inputs' groups (at most `POOL_GROUPS`), `ASKED`
    members and as many of the other half. So no stranger is ever in what is seen, and with the first two views every
    input is a member as often as a stranger.

    Args:
        white: Fitted.
        codes: Of all inputs of a split, without the edge's noise, `[n, k]`.
        view: One of `VIEWS`.
        random: Of groups, keys and noise.
        groups: Most groups in a round, at least 2; of no meaning for pools.
        rounds: Rounds, or pools; default: `ROUNDS`, or `POOLS`.

    Raises:
        ValueError: If there are fewer than two groups of inputs.
    """
    size, available = white.group_size, len(codes) // white.group_size
    if available < 2:
        raise ValueError(f"Expected inputs for two groups of {size}. Received: {len(codes)}")
    if view == "pooled":
        count = min(POOL_GROUPS, available // 2)
        drawn = [random.permutation(len(codes))[: 2 * count * size] for _ in range(rounds or POOLS)]
        inside, outside = (np.stack([pool[half] for pool in drawn]) for half in _halves(count * size))
        mixtures = _mixed(white, codes[inside], random)
        order = random.permuted(np.broadcast_to(np.arange(count * size), inside.shape), axis=1)
        mixtures = np.take_along_axis(mixtures, order[..., None], axis=1)
        inside, outside = (random.permuted(half, axis=1)[:, :ASKED] for half in (inside, outside))
    else:
        count = min(max(groups, 2), available)
        drawn = [random.permutation(len(codes))[: count * size].reshape(count, size) for _ in range(rounds or ROUNDS)]
        inside = np.concatenate(drawn)
        outside = np.concatenate([np.roll(index, -1, axis=0) for index in drawn])
        mixtures = _mixed(white, codes[inside], random)
    index = np.concatenate([inside, outside], axis=1)
    members = np.broadcast_to(np.arange(index.shape[1]) < inside.shape[1], index.shape)
    group = np.broadcast_to(np.arange(len(index))[:, None], index.shape)
    if view == "single":
        mixtures = mixtures.reshape(-1, 1, mixtures.shape[-1])
        members, group, index = (_one_by_one(values, size) for values in (members, group, index))
    return Trials(mixtures, codes[index], members, group, index)


def draw_hidden(white: WhiteCodes, x: Array, view: str, random: np.random.Generator, groups: int) -> Trials:
    """Hides inputs one by one among drawn covers, and asks about members and about as many strangers.

    `"linked"`: of each group its input and another. `"single"`: likewise of one mixture of each group. `"pooled"`:
    pools of at most `POOL_GROUPS` groups of half of the inputs; of each its inputs and as many of the other half.

    Args:
        white: Fitted, of a model whose covers may be drawn.
        x: Inputs of a split, `[n, ...]`, at least 2.
        view: One of `VIEWS`.
        random: Of groups, noise and covers.
        groups: Most groups that hold an input at once, times `ROUNDS`; of no meaning for pools.
    """
    codes = white.of(x)
    if view == "pooled":
        count = min(POOL_GROUPS, len(x) // 2)
        order = np.stack([random.permutation(len(x))[: 2 * count] for _ in range(POOLS)])
        mixtures = white.hidden(x[order[:, :count].reshape(-1)], random)
        mixtures = mixtures.reshape(POOLS, count * white.group_size, -1)
        mixtures = np.stack([random.permutation(pool) for pool in mixtures])
        index = order
    else:
        rounds = [random.permutation(len(x))[: max(2, min(len(x), groups * ROUNDS))] for _ in range(ROUNDS)]
        inside, outside = np.concatenate(rounds), np.concatenate([np.roll(order, -1) for order in rounds])
        mixtures = white.hidden(x[inside], random)
        mixtures = mixtures[:, :1] if view == "single" else mixtures
        index = np.stack([inside, outside], axis=1)
    members = np.broadcast_to(np.arange(index.shape[1]) < index.shape[1] // 2, index.shape)
    group = np.broadcast_to(np.arange(len(index))[:, None], index.shape)
    return Trials(mixtures, codes[index], members, group, index)


def _halves(count: int) -> tuple[slice, slice]:
    return slice(count), slice(count, 2 * count)


def _one_by_one(values: Array, size: int) -> Array:
    """From `[groups, 2 S_G]` to `[groups * S_G, 2]`: a member and a stranger for each mixture."""
    return values.reshape(len(values), 2, size).transpose(0, 2, 1).reshape(-1, 2)


def _mixed(white: WhiteCodes, codes: Array, random: np.random.Generator) -> Array:
    """Mixtures of codes `[scenes, groups * S_G, k]`, each group with noise and a uniform orthogonal key of its own."""
    size = white.group_size
    groups = white.sent(codes, random).reshape(-1, size, codes.shape[-1])
    keys, triangles = np.linalg.qr(random.standard_normal((len(groups), size, size)))
    keys *= np.sign(np.einsum("gii->gi", triangles))[:, None]
    return (keys @ groups).reshape(codes.shape)
