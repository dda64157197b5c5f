"""Changing training batches at random, each example in its own way; a batch's seeds alone decide how."""

from __future__ import annotations

import math
from typing import Any

import keras

from components.errors import InputError

MASKED_BANDS, MASKED_FRAMES = 16, 16
MAX_SHIFT = {"image": 1 / 16, "audio": 1 / 6}
#: More than the random numbers that Keras's `RandAugment` asks for in a batch.
DRAWS = 1000


class Augmentation:
    """Makes float32 of a batch and changes it.

    Args:
        kind: `"image"` or `"audio"`.
        channels: Of the inputs.
        augment: As of `components.training.data.batches`.

    Raises:
        InputError: If `"randaugment"` is asked for and the inputs are no colour pictures.
    """

    def __init__(self, kind: str, channels: int, augment: tuple[str, ...]):
        self.kind, self.augment = kind, augment
        if "randaugment" not in augment:
            return
        if kind != "image" or channels != 3:
            raise InputError(
                f"--augment randaugment takes colour pictures; received {kind} of {channels} channel(s): leave it out"
            )
        # With a seed it draws none for the generators that it makes, which are not used.
        self._randaugment = keras.layers.RandAugment(value_range=(0, 255), seed=0)

    def __call__(self, x, seeds):
        """A batch as float32, augmented.

        Args:
            x: `[batch, height, width, channels]` in any dtype, raw units.
            seeds: Two integers, int64 `[2]`.
        """
        import tensorflow as tf

        from datamix_tf.layers.masking import mask_spectrograms
        from datamix_tf.layers.shifting import shift_each

        x, count = tf.cast(x, tf.float32), tf.shape(x)[0]
        if "flip" in self.augment:
            flip = tf.random.stateless_uniform([count, 1, 1, 1], seeds) < 0.5
            x = tf.where(flip, tf.reverse(x, axis=[2]), x)
        if "shift" in self.augment:
            rows = 0 if self.kind == "audio" else math.floor(x.shape[1] * MAX_SHIFT[self.kind])
            columns = math.floor(x.shape[2] * MAX_SHIFT[self.kind])
            x = shift_each(x, tf.random.stateless_uniform([2, count], seeds + 1), rows, columns)
        if "mask" in self.augment:
            draws = tf.random.stateless_uniform([4, count], seeds + 2)
            x = mask_spectrograms(x, draws, MASKED_BANDS, MASKED_FRAMES)
        return self._by_randaugment(x, seeds + 5) if "randaugment" in self.augment else x

    def _by_randaugment(self, x, seeds):
        """Keras's `RandAugment`, with operations of its own for each example of the batch.

        Reference: Cubuk et al., RandAugment (2020).
        """
        import tensorflow as tf

        layer: Any = self._randaugment
        drawn = _Seeds(seeds)
        layer._get_seed_generator = lambda backend=None: drawn
        transformation = layer.get_random_transformation(x, training=True)
        operations = len(layer._AUGMENT_LAYERS)
        # Keras chooses the operations once for a batch; a choice for each row takes the same code.
        chosen = tf.random.stateless_uniform([layer.num_ops, tf.shape(x)[0], 1, 1, 1], seeds, 0, operations, tf.int32)
        return tf.ensure_shape(layer.transform_images(x, transformation | {"layer_idxes": chosen}), x.shape)


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


class _Seeds(keras.random.SeedGenerator):
    """Gives Keras's random functions seeds that follow from a batch's, one after the other."""

    def __init__(self, seeds):
        self.seeds, self.given = seeds, 0

    def next(self, ordered=True):
        import tensorflow as tf

        self.given += 1
        return tf.stack([self.seeds[0], self.seeds[1] * DRAWS + self.given])
