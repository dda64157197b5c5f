"""Training on several replicas as if on one: the same random numbers, the same statistics of the whole batch.

With a `tf.distribute` strategy each replica sees its share of a global batch: consecutive rows, whole groups. What is
drawn for rows is drawn for the global batch, from the same state on all replicas, and each takes the part of its rows;
means are taken over all replicas. On one replica, and on other backends than TensorFlow, nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from datamix_tf.typing import Tensor


def normal(shape: tuple[Any, ...], **options: Any) -> Tensor:
    """`keras.random.normal` for rows of this replica; `shape[0]` is the number of its rows."""
    return _own_rows(keras.random.normal, shape, options)


def uniform(shape: tuple[Any, ...], **options: Any) -> Tensor:
    """`keras.random.uniform` for rows of this replica; `shape[0]` is the number of its rows."""
    return _own_rows(keras.random.uniform, shape, options)


def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over the replicas; they all have the same number of rows."""
    context = _context()
    if context is None:
        return value
    import tensorflow as tf

    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def share(loss: Tensor) -> Tensor:
    """A replica's part of a mean over its rows: the gradients of all replicas are added."""
    context = _context()
    return loss if context is None else loss / context.num_replicas_in_sync


def whole(loss: Tensor) -> Tensor:
    """The mean over a replica's rows of a Keras loss, which is a replica's part already (`share`)."""
    context = _context()
    return loss if context is None else loss * context.num_replicas_in_sync


def _own_rows(draw: Callable[..., Tensor], shape: tuple[Any, ...], options: dict[str, Any]) -> Tensor:
    context = _context()
    if context is None:
        return draw(shape, **options)
    rows, replica = shape[0], context.replica_id_in_sync_group
    drawn = draw((rows * context.num_replicas_in_sync, *shape[1:]), **options)
    return ops.slice(drawn, (rows * replica, *(0 for _ in shape[1:])), shape)


def _context() -> Any:
    """The replica context, or `None` where there is one replica."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return None if context is None or context.num_replicas_in_sync == 1 else context
