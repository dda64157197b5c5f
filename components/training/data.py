"""Transformed examples as tf.data datasets and arrays."""

from __future__ import annotations

import dataclasses

import numpy as np

from components.records.dataset import DatasetSchema
from components.storage.artifacts import Examples
from components.training.splits import Split


@dataclasses.dataclass(frozen=True)
class Task:
    """What a column (or several binary ones) asks of a network.

    Attributes:
        name: Its name in tables and figures.
        kind: `"binary"` (several independent 0/1 labels) or `"categorical"`.
        labels: Names of the logits: the binary columns, or the classes.
    """

    name: str
    kind: str
    labels: tuple[str, ...]

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def loss(self):
        import keras

        if self.kind == "binary":
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def soft_loss(self):
        """The loss for shares of labels, as mixup makes them."""
        import keras

        if self.kind == "binary":
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.CategoricalCrossentropy(from_logits=True)

    def distillation(self, share):
        """The loss that follows a teacher by a share; its labels are those of `datamix_tf.training.distillation`."""
        from datamix_tf.training.distillation import Distillation

        return Distillation(share, self.kind == "binary")

    def metric(self):
        import keras

        if self.kind == "binary":
            return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def target_task(schema: DatasetSchema) -> Task:
    """The task that the model learns."""
    if schema.task == "binary":
        return Task("attributes", "binary", schema.target)
    return hidden_task(schema, schema.target[0])


def hidden_task(schema: DatasetSchema, column: str) -> Task:
    """The task of an attacker who is after a hidden column."""
    return Task(column, "categorical", schema.classes[column])


def arrays(examples: Examples, split: str, label: str = "target"):
    """A whole split in memory, with names, in the order of `Split`, which reads by rows what may be large.

    Args:
        examples: The artifact.
        split: `"train"`, `"valid"` or `"test"`.
        label: `"target"`, or the name of a hidden column.

    Returns:
        `(names, x, y)`: texts, `x` `[n, ...]` in the stored dtype, `y` int32 `[n]` or `[n, labels]`.
    """
    found = Split(examples, split)
    return found.names(), np.asarray(found.x), found.labels(label)


def batches(
    examples: Examples,
    split: str,
    batch_size: int,
    *,
    seed: int,
    augment: tuple[str, ...] = (),
    beside: str = "",
    mixup: int = 0,
    first_epoch: int = 0,
):
    """Shuffled, augmented training batches `(x float32, y int32)`, epoch after epoch without end.

    What a batch holds follows from the seed and its number alone, so that a training can go on at any epoch, without
    reading what came before. Give `fit` the number of whole batches in an epoch, `steps(schema, split, batch_size)`.

    Each epoch is a permutation of the whole split, every one equally likely, also where the split is too large to be
    held and its rows are read from their shards (`components.training.splits`): there are no windows that an example
    could not leave. The same seed gives the same batches either way.

    Args:
        examples: The artifact.
        split: Usually `"train"`.
        batch_size: Examples in a batch.
        seed: Makes shuffling and augmentation repeatable.
        augment: Any of `"flip"` (left-right), `"shift"` (images: up to 1/16 of the size both ways; speech: up to a
            sixth of the time; `RandomShift`), `"mask"` (speech: `SpectrogramMask`) and `"randaugment"` (colour
            pictures: Keras's `RandAugment`, two of its eleven operations), each drawn for each example.
        beside: A hidden column that comes beside the target: `y` is then a pair.
        mixup: Number of outputs if inputs and labels are mixed in random pairs; `y` is then float32 shares of labels.
        first_epoch: The epoch to begin with.

    Returns:
        A `tf.data.Dataset`.

    Raises:
        InputError: If `"randaugment"` is asked for and the inputs are no colour pictures.
    """
    import tensorflow as tf

    from components.training.augmentation import Augmentation, mixed_up

    found = Split(examples, split)
    schema, wanted = found.schema, ("target", *([beside] if beside else []))
    augmented = Augmentation(schema.kind, schema.shape[-1], augment)
    an_epoch = steps(schema, split, batch_size)

    def order_of(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(len(found)), _seeds(seed, epoch))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)

    def read(rows):
        return found.x[rows], *(found.labels(label, rows) for label in wanted)

    def batch_of(number, rows):
        x, *y = tf.numpy_function(read, [rows], (tf.as_dtype(found.x.dtype), *(tf.int32 for _ in wanted)))
        for part, like in zip((x, *y), read(np.zeros(0, int)), strict=True):
            part.set_shape([batch_size, *like.shape[1:]])
        seeds = _seeds(seed, number)
        x, y = augmented(x, seeds), tuple(y) if beside else y[0]
        return mixed_up(x, y, mixup, seeds) if mixup else (x, y)

    numbers = tf.data.Dataset.counter(first_epoch * an_epoch)
    orders = tf.data.Dataset.counter(first_epoch).flat_map(order_of)
    return tf.data.Dataset.zip(numbers, orders).map(batch_of, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def _seeds(seed, number):
    import tensorflow as tf

    return tf.stack([tf.cast(seed, tf.int64), number])


def steps(schema: DatasetSchema, split: str, batch_size: int) -> int:
    """Whole batches in an epoch."""
    return schema.splits[split] // batch_size


def whole_batch_size(wanted: int, group_size: int) -> int:
    """The largest multiple of the group size up to `wanted`, at least one group."""
    return max(group_size, wanted - wanted % group_size)
