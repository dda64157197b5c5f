"""Transformed examples as tf.data datasets and arrays."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from components.records.dataset import DatasetSchema
from components.storage.artifacts import Examples
from components.storage.local_copies import local_copy
from components.storage.tfrecords import digest, shard_files

MASKED_BANDS, MASKED_FRAMES = 16, 16
MAX_SHIFT = {"image": 1 / 16, "audio": 1 / 6}


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
    """A whole split in memory, in the order of a hash of the names.

    Names often come sorted by class or person; groups of consecutive examples would then have mates of one kind.

    Args:
        examples: The artifact.
        split: `"train"`, `"valid"` or `"test"`.
        label: `"target"`, or the name of a hidden column.

    Returns:
        `(names, x, y)`: texts, `x` `[n, ...]` in the stored dtype, `y` int32 `[n]` or `[n, labels]`.
    """
    dataset = _parsed(examples, split, examples.schema(), label)
    names, x, y = zip(*dataset.as_numpy_iterator(), strict=True)
    order = sorted(range(len(names)), key=lambda index: digest(names[index]))
    return [names[i].decode() for i in order], np.stack(x)[order], np.stack(y)[order]


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

    What a batch holds follows from the seed and its number alone, so that a training can go on at any epoch. Give
    `fit` the number of whole batches in an epoch, `steps(schema, split, batch_size)`.

    Args:
        examples: The artifact.
        split: Usually `"train"`.
        batch_size: Examples in a batch.
        seed: Makes shuffling and augmentation repeatable.
        augment: Any of `"flip"` (left-right) and `"shift"` (images: up to 1/16 of the size both ways; speech: up to a
            sixth of the time) and `"mask"` (speech: `SpectrogramMask`).
        beside: A hidden column that comes beside the target: `y` is then a pair.
        mixup: Number of outputs if inputs and labels are mixed in random pairs; `y` is then float32 shares of labels.
        first_epoch: The epoch to begin with.

    Returns:
        A `tf.data.Dataset`; the split is in memory.
    """
    import tensorflow as tf

    schema = examples.schema()
    x, y = (tf.constant(part) for part in arrays(examples, split)[1:])
    if beside:
        y = (y, tf.constant(arrays(examples, split, beside)[2]))
    an_epoch = steps(schema, split, batch_size)

    def order_of(epoch):
        order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(x)[0]), _seeds(seed, epoch))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size, drop_remainder=True)

    def batch_of(number, rows):
        labels = tf.nest.map_structure(lambda part: tf.gather(part, rows), y)
        return _changed(tf.gather(x, rows), labels, schema.kind, augment, mixup, _seeds(seed, number))

    numbers = tf.data.Dataset.counter(first_epoch * an_epoch)
    orders = tf.data.Dataset.counter(first_epoch).flat_map(order_of)
    return tf.data.Dataset.zip(numbers, orders).map(batch_of, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def _seeds(seed, number):
    import tensorflow as tf

    return tf.stack([tf.cast(seed, tf.int64), number])


def steps(schema: DatasetSchema, split: str, batch_size: int) -> int:
    """Whole batches in an epoch."""
    return schema.splits[split] // batch_size


def _changed(x, y, kind, augment, mixup, seeds):
    """A batch as float32, augmented; `seeds`, two integers, decide how."""
    import tensorflow as tf

    from datamix_tf.layers.masking import mask_spectrograms

    x = tf.cast(x, tf.float32)
    if "flip" in augment:
        flip = tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seeds) < 0.5
        x = tf.where(flip, tf.reverse(x, axis=[2]), x)
    if "shift" in augment:
        x = _shifted(x, kind, seeds)
    if "mask" in augment:
        draws = tf.random.stateless_uniform([4, tf.shape(x)[0]], seeds + 2)
        x = mask_spectrograms(x, draws, MASKED_BANDS, MASKED_FRAMES)
    return _mixed_up(x, y, mixup, seeds) if mixup else (x, y)


def _mixed_up(x, y, outputs, seeds):
    """Mixes a batch with itself in another order, one share in [0, 1] for each pair, and its labels alike.

    Reference: Zhang et al., mixup (ICLR 2018), with alpha = 1.
    """
    import tensorflow as tf

    y = tf.cast(y, tf.float32) if len(y.shape) > 1 else tf.one_hot(y, outputs)
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.shape(x)[0]), seeds + 3)
    share = tf.random.stateless_uniform([tf.shape(x)[0]], seeds + 4)

    def mix(values):
        weights = tf.reshape(share, [-1] + [1] * (len(values.shape) - 1))
        return weights * values + (1 - weights) * tf.gather(values, order)

    return mix(x), mix(y)


def whole_batch_size(wanted: int, group_size: int) -> int:
    """The largest multiple of the group size up to `wanted`, at least one group."""
    return max(group_size, wanted - wanted % group_size)


def _parsed(examples, split, schema, label):
    import tensorflow as tf

    single = schema.task == "categorical" or label != "target"
    key = "target" if label == "target" else f"hidden/{label}"
    width = 1 if single else len(schema.target)
    features = {
        "name": tf.io.FixedLenFeature([], tf.string),
        "x": tf.io.FixedLenFeature([], tf.string),
        key: tf.io.FixedLenFeature([width], tf.int64),
    }

    def parse(payload):
        parsed = tf.io.parse_single_example(payload, features)
        x = tf.reshape(tf.io.decode_raw(parsed["x"], schema.dtype), schema.shape)
        y = tf.cast(parsed[key], tf.int32)
        return parsed["name"], x, y[0] if single else y

    return tf.data.TFRecordDataset(shard_files(local_copy(examples.uri), split)).map(parse)


def _shifted(x, kind, seeds):
    """Shifts a batch by one random offset, along time only for speech; borders are mirrored."""
    import tensorflow as tf

    height, width = x.shape[1], x.shape[2]
    rows = 0 if kind == "audio" else math.floor(height * MAX_SHIFT[kind])
    columns = math.floor(width * MAX_SHIFT[kind])
    padded = tf.pad(x, [[0, 0], [rows, rows], [columns, columns], [0, 0]], "SYMMETRIC")
    draws = tf.random.stateless_uniform([2], seeds + 1)
    offset = tf.cast(draws * [2 * rows + 1, 2 * columns + 1], tf.int32)
    shifted = tf.slice(padded, [0, offset[0], offset[1], 0], [-1, height, width, -1])
    return tf.ensure_shape(shifted, [None, height, width, x.shape[3]])
