"""Changing training batches at random, each example in its own way; a batch's seeds alone decide how."""

from __future__ import annotations

import math

import keras

from components.errors import InputError

MASKED_BANDS, MASKED_FRAMES = 16, 16
MAX_SHIFT = {"image": 1 / 16, "audio": 1 / 6}
#: Random numbers that `RandAugment` draws for a batch, at most.
DRAWS = 1000


def augmented(x, kind: str, augment: tuple[str, ...], seeds):
    """A batch as float32, augmented.

    Args:
        x: `[batch, height, width, channels]` in any dtype, raw units.
        kind: `"image"` or `"audio"`.
        augment: As of `components.training.data.batches`.
        seeds: Two integers, int64 `[2]`.
    """
    import tensorflow as tf

    from datamix_tf.layers.masking import mask_spectrograms
    from datamix_tf.layers.shifting import shift_each

    x, count = tf.cast(x, tf.float32), tf.shape(x)[0]
    if "flip" in augment:
        flip = tf.random.stateless_uniform([count, 1, 1, 1], seeds) < 0.5
        x = tf.where(flip, tf.reverse(x, axis=[2]), x)
    if "shift" in augment:
        rows = 0 if kind == "audio" else math.floor(x.shape[1] * MAX_SHIFT[kind])
        columns = math.floor(x.shape[2] * MAX_SHIFT[kind])
        x = shift_each(x, tf.random.stateless_uniform([2, count], seeds + 1), rows, columns)
    if "mask" in augment:
        draws = tf.random.stateless_uniform([4, count], seeds + 2)
        x = mask_spectrograms(x, draws, MASKED_BANDS, MASKED_FRAMES)
    return _by_randaugment(x, seeds + 5) if "randaugment" in augment else x


def check(kind: str, channels: int, augment: tuple[str, ...]) -> None:
    """Refuses what is for colour pictures alone. Raises InputError."""
    if "randaugment" in augment and (kind != "image" or channels != 3):
        raise InputError(
            f"--augment randaugment takes colour pictures; received {kind} of {channels} channel(s): leave it out"
        )


def mixed_up(x, y, outputs: int, seeds):
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


def _by_randaugment(x, seeds):
    """Keras's `RandAugment`, with operations of its own for each example of the batch.

    Reference: Cubuk et al., RandAugment (2020).
    """
    import tensorflow as tf

    layer, drawn = keras.layers.RandAugment(value_range=(0, 255)), _Seeds(seeds)
    layer._get_seed_generator = lambda backend=None: drawn
    transformation = layer.get_random_transformation(x, training=True)
    operations = len(layer._AUGMENT_LAYERS)
    # Keras chooses the operations once for a batch; a choice for each row takes the same code.
    chosen = tf.random.stateless_uniform([layer.num_ops, tf.shape(x)[0], 1, 1, 1], seeds, 0, operations, tf.int32)
    return tf.ensure_shape(layer.transform_images(x, transformation | {"layer_idxes": chosen}), x.shape)


class _Seeds(keras.random.SeedGenerator):
    """Gives Keras's random functions seeds that follow from a batch's, one after the other."""

    def __init__(self, seeds):
        self.seeds, self.given = seeds, 0

    def next(self, ordered=True):
        import tensorflow as tf

        self.given += 1
        return tf.stack([self.seeds[0], self.seeds[1] * DRAWS + self.given])
