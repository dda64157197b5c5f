"""A bounded part of very many examples, for what must hold all of its rows in memory at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from datamix_tf.typing import Array

#: Most rows that are held at once, and most bytes of them as float32.
MOST_ROWS, MOST_BYTES = 16_384, 2**30


def most_rows(*shapes: Iterable[int]) -> int:
    """How many rows are held at most, of tensors of these shapes (without the batch), each as float32."""
    numbers = max((math.prod(shape) for shape in shapes), default=1)
    return max(1, min(MOST_ROWS, MOST_BYTES // (4 * max(numbers, 1))))


def sampled_rows(count: int, most: int = MOST_ROWS, seed: int = 0) -> Array:
    """Which of `count` rows are taken: all, or `most` of them, drawn without repeats from a seed, in their order.

    Args:
        count: How many rows there are.
        most: How many are taken at most.
        seed: Of the choice.

    Returns:
        Int array of rising indices.
    """
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def sampled(examples: tuple[Any, Any], *shapes: Iterable[int], seed: int = 0) -> tuple[Any, Any]:
    """Labelled examples, of which no more are taken than memory has room for.

    Args:
        examples: `(x, y)`, where `x[rows]` reads rows; all of it need not be in memory.
        *shapes: Of what is made of a row and held (without the batch), beside the row itself.
        seed: Of the choice.

    Returns:
        `(x, y)`, arrays of at most `MOST_ROWS` rows and `MOST_BYTES` as float32. If these are all rows, an `x` that is
        an array is returned as it is.
    """
    x, y = examples
    most = most_rows(x.shape[1:], *shapes)
    if len(x) <= most:
        return np.asarray(x), np.asarray(y)
    rows = sampled_rows(len(x), most, seed)
    return np.asarray(x[rows]), np.asarray(y)[rows]
