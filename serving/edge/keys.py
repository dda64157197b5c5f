"""Keys and permutations from the operating system's generator.

They live in memory for the time of one query and nowhere else, but where a `serving.edge.trace.Trace` asks for them
until its `with` block ends: a `Key` cannot be pickled, copied or printed, and is overwritten with zeros when it has
been used.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn

import numpy as np


class Key:
    """A random orthogonal matrix for one group, used once to mix and once to de-mix.

    Args:
        group_size: Number of rows and columns (S_G).

    Attributes:
        matrix: float32 `[group_size, group_size]`, Haar-distributed; zeros after `wipe`.
    """

    __slots__ = ("matrix",)

    def __init__(self, group_size: int) -> None:
        self.matrix = random_orthogonal(group_size)

    def wipe(self) -> None:
        """Overwrites the key."""
        self.matrix.fill(0)

    def __repr__(self) -> str:
        return "<Key: hidden>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a key cannot be pickled or copied")


def random_orthogonal(size: int) -> np.ndarray:
    """A Haar-distributed orthogonal matrix.

    Args:
        size: Number of rows.

    Returns:
        float32 `[size, size]`.
    """
    exact = random_columns(size, size)
    rounded = exact.astype(np.float32)
    exact.fill(0)
    return rounded


def random_columns(size: int, count: int) -> np.ndarray:
    """The first columns of a Haar-distributed orthogonal matrix.

    Gaussian vectors, made orthonormal one after the other (Gram and Schmidt, twice, which is as exact as rounding
    allows: Giraud and others 2005): the Q of a QR decomposition whose R has a positive diagonal, which is
    Haar-distributed (Mezzadri 2007). In place: LAPACK's QR leaves copies of the key in freed memory.

    Args:
        size: Number of rows.
        count: Number of columns, from 0 to `size`.

    Returns:
        float64 `[size, count]`.
    """
    vectors = _normal(size * count).reshape(count, size)
    for index, vector in enumerate(vectors):
        earlier = vectors[:index]
        for _ in range(2):
            vector -= (earlier @ vector) @ earlier
        vector /= np.linalg.norm(vector)
    return vectors.T


def random_permutation(size: int) -> np.ndarray:
    """A uniformly distributed permutation, int64 `[size]`."""
    # Ties between 64-bit numbers are too rare to matter (size^2 / 2^65).
    return np.argsort(np.frombuffer(os.urandom(8 * size), np.uint64), kind="stable")


def random_tags(count: int, size: int) -> list[bytes]:
    """Random byte strings of `size` bytes."""
    return [os.urandom(size) for _ in range(count)]


def random_normal(shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers, float32 of a shape."""
    return _normal(int(np.prod(shape))).reshape(shape).astype(np.float32)


def _normal(count: int) -> np.ndarray:
    """Standard normal numbers from the operating system's random bytes (Box and Muller)."""
    pairs = (count + 1) // 2
    bits = np.frombuffer(os.urandom(16 * pairs), np.uint64) >> np.uint64(11)
    # (0, 1], so that the logarithm is finite.
    uniform = (bits.astype(np.float64) + 1) / 2.0**53
    radius, angle = np.sqrt(-2 * np.log(uniform[:pairs])), 2 * np.pi * uniform[pairs:]
    numbers = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
    for used in (bits, uniform, radius, angle):
        used.fill(0)
    return numbers
