"""Separation by a learned critic: rotate a group's mixtures until every row looks like a true feature."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.linked.mixed_groups import mix, rotations
from datamix_tf.attacks.linked.separators import Separator, untrained_separators
from datamix_tf.typing import Array, Tensor

ASCENT_RATE = 0.1  # of Adam at the start of an ascent, in radians
SMALL_MAP = 4  # rows and columns at which a critic stops halving a map


@dataclasses.dataclass(frozen=True)
class SeparatorTraining:
    """How separators that learn are trained and used.

    Attributes:
        steps: Batches that a network is trained on.
        groups: Groups in a batch, freshly mixed.
        learning_rate: Peak of Adam's rate, which decays along a cosine.
        restarts: Random rotations from which an ascent starts, beside what the untrained separators find.
        ascent_steps: Steps of each ascent.
        seed: Seed of all of it.
    """

    steps: int = 800
    groups: int = 12
    learning_rate: float = 1e-3
    restarts: int = 12
    ascent_steps: int = 150
    seed: int = 0


class CriticAscent(Separator):
    """Gradient ascent over the orthogonal group on what a trained critic says of the rows.

    The critic learns, on the attacker's own examples and keys, how pure a row is: the largest square in its row of the
    key, 1 for a true feature of either sign. An ascent turns all rows of a group at once (28 free angles for S_G = 8);
    of many, the one with the highest sum counts. The attacker needs neither labels nor known keys.

    Args:
        training: A `SeparatorTraining`.
    """

    name = "learned critic"

    def __init__(self, training: SeparatorTraining | None = None) -> None:
        self.training = training or SeparatorTraining()
        self.network: keras.Model = None
        self.scale, self.started = 1.0, untrained_separators(self.training.seed)
        self._ascend: Any = None

    def fit(self, features: Array, group_size: int) -> None:
        features = np.asarray(features, "float32")
        keras.utils.set_random_seed(self.training.seed)
        self.scale = float(np.sqrt(np.square(features).mean())) or 1.0
        self.network = critic_network(features.shape[1:])
        for separator in self.started:
            separator.fit(features, group_size)
        schedule = keras.optimizers.schedules.CosineDecay(self.training.learning_rate, self.training.steps)
        self.network.compile(
            keras.optimizers.Adam(schedule), keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False
        )
        random = np.random.default_rng(self.training.seed)
        for _ in range(self.training.steps):
            self.network.train_on_batch(*self._batch(features, group_size, random))
        self._ascend = self._ascent(features.shape[1:], group_size)

    def separate(self, mixtures: Array) -> Array:
        import tensorflow as tf

        size, training = len(mixtures), self.training
        random = np.random.default_rng(training.seed)
        starts = [separator.separate(mixtures) for separator in self.started]
        starts += list(rotations(random, training.restarts, size))
        rows = np.asarray(mixtures, "float32") / self.scale
        found, purity = self._ascend(tf.constant(rows), tf.constant(np.stack(starts), tf.float32))
        return found.numpy()[int(tf.argmax(purity))]

    def _ascent(self, shape: Sequence[int], size: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """A compiled function that climbs by Adam.

        From a group `[S_G, ...]` and starts `[n, S_G, S_G]` to where it comes from them, and how pure the rows are
        there.
        """
        import tensorflow as tf

        steps = self.training.ascent_steps

        def purity(rotations: Tensor, rows: Tensor) -> Tensor:
            turned = tf.reshape(rotations @ tf.reshape(rows, (size, -1)), (-1, *shape))
            return tf.reduce_sum(tf.reshape(tf.sigmoid(self.network(turned, training=False)), (-1, size)), 1)

        def rotated(angles: Tensor, starts: Tensor) -> Tensor:
            return tf.linalg.expm(angles - tf.linalg.matrix_transpose(angles)) @ starts

        @tf.function(reduce_retracing=True)
        def ascend(rows: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
            angles = first = second = tf.zeros_like(starts)
            for step in tf.range(1, steps + 1):
                with tf.GradientTape() as tape:
                    tape.watch(angles)
                    total = tf.reduce_sum(purity(rotated(angles, starts), rows))
                gradient, time = tape.gradient(total, angles), tf.cast(step, tf.float32)
                first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
                rate = ASCENT_RATE * (1 + tf.cos(np.pi * time / steps)) / 2
                change = first / (1 - 0.9**time) / (tf.sqrt(second / (1 - 0.99**time)) + 1e-8)
                angles += rate * change
            return rotated(angles, starts), purity(rotated(angles, starts), rows)

        return ascend

    def _batch(self, features: Array, size: int, random: np.random.Generator) -> tuple[Array, Array]:
        """Rows from wholly mixed, a little mixed and unmixed groups, and how pure each is."""
        index = random.choice(len(features), self.training.groups * size, replace=len(features) < 200)
        chosen = features[index] / self.scale
        keys, _ = mix(chosen, random, size)
        keys[::2] = [near_identity(random, size) for _ in keys[::2]]
        rows = np.matmul(keys, chosen.reshape(len(keys), size, -1)).reshape(chosen.shape)
        return rows, np.square(keys).max(-1).reshape(-1, 1)


def near_identity(random: np.random.Generator, size: int) -> Array:
    """A rotation by a small, log-uniform angle, with random signs, float32 `[size, size]`."""
    from scipy.linalg import expm

    skew = random.normal(size=(size, size)) * np.exp(random.uniform(np.log(0.003), np.log(0.3)))
    return (random.choice([-1.0, 1.0], (size, 1)) * expm(skew - skew.T)).astype("float32")


def critic_network(shape: Sequence[int], units: int = 64) -> keras.Model:
    """A small network from one row, `shape`, to a logit: convolutions on maps, dense layers on vectors."""
    x = inputs = keras.Input(shape)
    if len(shape) == 1:
        x = keras.layers.Dense(8 * units, "swish")(x)
        for _ in range(2):
            x = keras.layers.Add()([x, keras.layers.Dense(8 * units, "swish")(x)])
    else:
        filters = units // 2
        while min(x.shape[1:3]) > SMALL_MAP:
            x = keras.layers.Conv2D(filters, 3, 2, "same", activation="swish")(x)
            filters = units
        x = keras.layers.Conv2D(units, 3, padding="same", activation="swish")(x)
        x = keras.layers.Dense(units, "swish")(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(1)(x), name="critic")
