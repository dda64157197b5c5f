"""Pictures of what separation recovers, beside the raw ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.mixed_groups import MixedGroup, rotations
from datamix_tf.attacks.linked.separation import agreement
from datamix_tf.attacks.linked.separation_attack import KeyAttack
from datamix_tf.attacks.linked.separators import Separator
from datamix_tf.attacks.single.network_attack import AttackTraining
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import in_groups, of_mean


class SeparatedPictures(Attack):
    """Rebuilds inputs from what separation recovers of a group (threat model `linked`).

    A decoder is trained from unmixed features of random sign to standardised inputs, with mean squared error. The score
    is the mean correlation of rebuilt with true inputs, both less the mean input of the attacker's examples (all faces
    are alike to begin with); chance is the same decoder behind a random rotation. Rows are matched with inputs by the
    true key, for the measurement alone.

    Args:
        model: A `DataMixModel`.
        training: An `AttackTraining`; its first learning rate is used.
        separators: As for `KeyAttack`.
        groups: Most test groups.
        callbacks: Keras callbacks for `fit`.
    """

    def __init__(
        self,
        model: keras.Model,
        training: AttackTraining | None = None,
        separators: Iterable[Separator] | None = None,
        groups: int = 16,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ) -> None:
        self.training, self.callbacks = training or AttackTraining(), list(callbacks)
        self.keys = KeyAttack(model, separators, groups, self.training.seed)
        self.decoder: keras.Model = None
        self.mean, self.spread, self.scale = 0.0, 1.0, 1.0

    def fit(self, train: Examples, valid: Examples) -> None:
        self.keys.fit(train, valid)
        x = np.asarray(train[0][self.keys.drawn.part(train[0])], "float32")
        self.mean, self.spread = x.mean(0), float(x.std()) or 1.0
        features = self.keys.drawn.features(x)
        self.scale = float(np.sqrt(np.square(features).mean())) or 1.0
        keras.utils.set_random_seed(self.training.seed)
        self.decoder = decoder_network(features.shape[1:], x.shape[1:])
        self.decoder.compile(keras.optimizers.Adam(self.training.learning_rates[0]), "mse", jit_compile=False)
        random = np.random.default_rng(self.training.seed)
        for _ in range(self.training.epochs):
            signs = random.choice([-1.0, 1.0], len(x)).astype("float32").reshape(-1, *[1] * (features.ndim - 1))
            self.decoder.fit(
                signs * features / self.scale,
                (x - self.mean) / self.spread,
                batch_size=self.training.batch_size,
                verbose=0,
                callbacks=self.callbacks,
            )

    def score(self, test: Examples) -> AttackScore:
        x = test[0]
        random = np.random.default_rng(self.training.seed)
        found, chance = [], []
        for group in self.keys.drawn.draw(x, self.keys.groups):
            truth = np.asarray(x[group.index], "float32") - self.mean
            for estimate, values in (
                (self.keys.separate(group.mixtures), found),
                (rotations(random, 1, len(group.key))[0], chance),
            ):
                values += _correlations(self._decoded(estimate, group) - self.mean, truth)
        details = {**self.keys.details, "attack": f"a decoder behind {self.keys.best.name}"}
        uncertainty = of_mean(np.array(found), *in_groups(len(found), self.keys.group_size))
        figures = float(np.mean(found)), float(np.mean(chance)), len(found)
        return AttackScore(*figures, "correlation", details, uncertainty=uncertainty)

    def rebuild(self, x: Array) -> Array:
        """Inputs as rebuilt from their separated mixtures, `[whole groups, ...]` in the units of `x`."""
        groups = self.keys.drawn.draw(x, len(x) // self.keys.group_size)
        return np.concatenate([self._decoded(self.keys.separate(group.mixtures), group) for group in groups])

    def _decoded(self, estimate: Array, group: MixedGroup) -> Array:
        order = agreement(estimate, group.key)[1]
        recovered = np.tensordot(estimate, group.mixtures, 1)[order].astype("float32")
        made = keras.ops.convert_to_numpy(self.decoder(recovered / self.scale, training=False))
        return made * self.spread + self.mean


def decoder_network(shape: Sequence[int], output_shape: Sequence[int], units: int = 64) -> keras.Model:
    """A network from a feature, `shape`, to an input, `output_shape` `[rows, columns, channels]`."""
    rows, columns, channels = output_shape
    x = inputs = keras.Input(shape)
    if len(shape) == 1:
        small = (-(-rows // 8), -(-columns // 8))
        x = keras.layers.Dense(small[0] * small[1] * units, "relu")(x)
        x = keras.layers.Reshape((*small, units))(x)
    x = keras.layers.Conv2D(units, 3, padding="same", activation="relu")(x)
    while x.shape[1] < rows:
        x = keras.layers.UpSampling2D()(x)
        x = keras.layers.Conv2D(units // 2, 3, padding="same", activation="relu")(x)
    x = keras.layers.Resizing(rows, columns)(x)
    return keras.Model(inputs, keras.layers.Conv2D(channels, 3, padding="same")(x), name="decoder")


def _correlations(first: Array, second: Array) -> list[float]:
    return [float(np.corrcoef(a.reshape(-1), b.reshape(-1))[0, 1]) for a, b in zip(first, second, strict=True)]
