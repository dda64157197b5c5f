"""Separation by an amortised network: independent component analysis with a learned score function, unrolled."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from datamix_tf.attacks.linked.critic import SeparatorTraining
from datamix_tf.attacks.linked.mixed_groups import mix, rotations
from datamix_tf.attacks.linked.separators import Separator
from datamix_tf.typing import Array, Tensor

UPDATES = 8
GAIN = 3.0  # of the fixed non-linearity's updates, so that a few of them turn far enough


class UnmixingNetwork(Separator):
    """Turns a group's mixtures by learned updates, trained on groups whose keys the attacker knows.

    Each update is the relative gradient of independent component analysis, `W <- expm(Y g(Y)^T - g(Y) Y^T) W` with
    `Y = W mixtures`; the score function g is a network (convolutions on maps) instead of a fixed non-linearity. It
    is trained through all updates on the sum of fourth powers of `W A`, which is largest where the key is undone.
    Several random starts are tried; the one counts whose last update turns least.

    Args:
        training: A `SeparatorTraining`.
    """

    name = "unmixing network"

    def __init__(self, training: SeparatorTraining | None = None) -> None:
        self.training = training or SeparatorTraining()
        self.network: keras.Model = None
        self.scale, self._compiled = 1.0, self._unmix

    def fit(self, features: Array, group_size: int) -> None:
        import tensorflow as tf

        features, training = np.asarray(features, "float32"), self.training
        keras.utils.set_random_seed(training.seed)
        self.scale = float(np.sqrt(np.square(features).mean())) or 1.0
        self.network = score_network(features.shape[1:])
        self._compiled = tf.function(self._unmix, reduce_retracing=True)
        schedule = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.steps)
        optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
        optimizer.build(self.network.trainable_variables)

        @tf.function(reduce_retracing=True)
        def step(mixtures: Tensor, keys: Tensor) -> None:
            with tf.GradientTape() as tape:
                found, _ = self._unmix(mixtures, tf.eye(group_size, batch_shape=[tf.shape(keys)[0]]))
                loss = -tf.reduce_mean(tf.reduce_sum((found @ keys) ** 4, (1, 2))) / group_size
            optimizer.apply(tape.gradient(loss, self.network.trainable_variables), self.network.trainable_variables)

        random = np.random.default_rng(training.seed)
        for _ in range(training.steps):
            index = random.choice(len(features), training.groups * group_size, replace=len(features) < 200)
            keys, mixtures = mix(features[index] / self.scale, random, group_size)
            step(tf.constant(mixtures.reshape(len(keys), group_size, *features.shape[1:])), tf.constant(keys))

    def separate(self, mixtures: Array) -> Array:
        import tensorflow as tf

        random = np.random.default_rng(self.training.seed)
        starts = rotations(random, self.training.restarts, len(mixtures)).astype("float32")
        rows = tf.constant(np.repeat(np.asarray(mixtures, "float32")[None] / self.scale, len(starts), 0))
        found, turned = self._compiled(rows, tf.constant(starts))
        return found.numpy()[int(tf.argmin(turned))]

    def _unmix(self, mixtures: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """`(W, size of the last update)` for mixtures `[groups, S_G, ...]`."""
        import tensorflow as tf

        groups, size = tf.shape(mixtures)[0], mixtures.shape[1]
        flat = tf.reshape(mixtures, (groups, size, -1))
        found, turned = start, tf.zeros([groups])
        for _ in range(UPDATES):
            rows = found @ flat
            scores = self.network(tf.reshape(rows, (-1, *mixtures.shape[2:])), training=True)
            product = tf.reshape(scores, (groups, size, -1)) @ tf.linalg.matrix_transpose(rows)
            skew = GAIN * (tf.linalg.matrix_transpose(product) - product) / tf.cast(tf.shape(flat)[-1], tf.float32)
            found = tf.linalg.expm(skew) @ found
            turned = tf.norm(skew, axis=(1, 2))
        return found, turned


def score_network(shape: Sequence[int], units: int = 16) -> keras.Model:
    """A network from a row, `shape`, to a score of the same shape, a bent identity at the start."""
    x = inputs = keras.Input(shape)
    if len(shape) == 1:
        x = keras.layers.Dense(8 * units, "swish")(x)
        x = keras.layers.Dense(shape[-1])(x)
    else:
        x = keras.layers.Conv2D(units, 3, padding="same", activation="swish")(x)
        x = keras.layers.Conv2D(units, 3, padding="same", activation="swish")(x)
        x = keras.layers.Conv2D(shape[-1], 3, padding="same")(x)
    bent = keras.layers.Activation("tanh")(inputs)
    return keras.Model(inputs, keras.layers.Add()([x, bent]), name="score_function")
