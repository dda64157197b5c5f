"""Batches as groups of consecutive rows: reshaping, checking and completing them.

A batch of `n * group_size` rows is `n` groups; rows `g * group_size ... (g + 1) * group_size - 1`
are group `g`. Everything that mixes shares these helpers.
"""

from __future__ import annotations

import re

import keras
from keras import ops

from datamix_tf.typing import Seed, Tensor

_REFUSED = re.compile(
    r"must be a multiple of the group size: .*?received (?:(\d+) rows|these rows.*?\] \[(\d+)\])", re.S
)


def check_group_size(group_size: int) -> int:
    """Returns `group_size` as an int of at least 1.

    Raises:
        ValueError: If it is not an integer, or below 1.
    """
    if isinstance(group_size, bool) or not isinstance(group_size, int) or group_size < 1:
        raise ValueError(
            f"`group_size` must be an integer of at least 1 (1 mixes nothing). Received: group_size={group_size!r}"
        )
    return group_size


def to_groups(rows: Tensor, group_size: int) -> Tensor:
    """Reshapes `[n * group_size, ...]` into `[n, group_size, features]` (features flattened)."""
    features = 1
    for size in rows.shape[1:]:
        features = None if size is None or features is None else features * size
    if features is None:  # spatial sizes known only at run time
        return ops.reshape(rows, (ops.shape(rows)[0] // group_size, group_size, -1))
    return ops.reshape(rows, (-1, group_size, features))


def batch_size_message(batch_size: int | str, group_size: int) -> str:
    """What is said of a batch that is no whole number of groups, and how to mend it."""
    return (
        f"The batch must be a multiple of the group size: expected a multiple of group_size={group_size}, received "
        f"{batch_size} rows. Use a batch size that is a multiple of {group_size}, and drop the last part of an epoch "
        "(`dataset.batch(n, drop_remainder=True)`), or complete the batch with `complete_groups`."
    )


def rows_of_refused_batch(error: Exception) -> str | None:
    """How many rows a batch had that was refused for its size, or `None` if the error is another."""
    found = _REFUSED.search(str(error))
    return (found[1] or found[2]) if found else None


def require_whole_groups(rows: Tensor, group_size: int) -> Tensor:
    """Returns `rows` unchanged if its first axis is a multiple of `group_size`.

    Raises:
        ValueError: If the batch size is known and is not a multiple. If it is known only when a TensorFlow graph
            runs, `tf.errors.InvalidArgumentError` with the same text.
    """
    batch_size = rows.shape[0]
    if batch_size is not None:
        if batch_size % group_size:
            raise ValueError(batch_size_message(batch_size, group_size))
        return rows
    if keras.backend.backend() != "tensorflow" or isinstance(rows, keras.KerasTensor):
        return rows
    import tensorflow as tf

    batch_size = tf.shape(rows)[0]
    check = tf.debugging.Assert(batch_size % group_size == 0, [batch_size_message("these", group_size), batch_size])
    with tf.control_dependencies([check] if check is not None else []):
        return tf.identity(rows)


def complete_groups(rows: Tensor, group_size: int, seed: Seed = None) -> Tensor:
    """Appends cover rows until the batch is a whole number of groups.

    The covers are rows of the batch's first group, each used once, so that no group holds zeros or the same row
    twice. A batch with less than one group has no such rows; its covers are Gaussian with the mean and variance that
    the batch has in each channel. Drop the answers for the covers with `[:batch_size]`.

    Args:
        rows: Float tensor `[batch, ...]`.
        group_size: Rows in a group.
        seed: Seed or `keras.random.SeedGenerator` for Gaussian covers.

    Returns:
        Tensor `[ceil(batch / group_size) * group_size, ...]` that begins with `rows`.
    """
    batch_size = ops.shape(rows)[0]
    missing = -batch_size % group_size
    if isinstance(missing, int) and missing == 0:
        return rows
    covers = ops.take(rows, ops.arange(missing) % batch_size, axis=0)
    axes = tuple(range(len(rows.shape) - 1)) or (0,)
    mean, variance = ops.moments(rows, axes=axes, keepdims=True)
    noise = keras.random.normal(ops.shape(covers), dtype=rows.dtype, seed=seed)
    enough = ops.cast(batch_size >= group_size, rows.dtype)
    covers = enough * covers + (1 - enough) * (mean + ops.sqrt(variance) * noise)
    return ops.concatenate([rows, covers], axis=0)
