"""Which of many shuffled mixtures belong together?

All mixtures of a group are loud where its inputs are: at each place, the size of a mixture's gradient follows the sum
of squares of the inputs' gradients there. That alone links them, without any training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.critic import SMALL_MAP, SeparatorTraining
from datamix_tf.attacks.linked.mixed_groups import MixedGroups
from datamix_tf.typing import Array, Examples, Tensor

POOL_GROUPS, POOLS, TEST_POOLS = 8, 8, 32
MOST_ROWS = 256  # mixtures of a pool whose pairs are looked at; of large groups a random part of each
STATISTICS = 512  # mixtures from which energies are standardised
TRAINED, GRADIENTS, VALUES = "trained pair network", "energies of gradients", "energies of values"
ENERGIES = (GRADIENTS, VALUES)


class LinkAttack(Attack):
    """Tells pairs of mixtures of one group from pairs of different groups (threat model `pooled`).

    Tried are correlations of log energies (of the values, and of their gradients, standardised over mixtures of the
    attacker's own examples), and a siamese network: each mixture (of unknown sign: its values and their sizes)
    becomes a code, a pair of codes a logit, trained on fresh mixtures of the attacker's own examples. The linker, and
    the network's state, with the best AUC on the valid split count.

    Args:
        model: A `DataMixModel`.
        training: A `SeparatorTraining`; a batch is `groups` groups and all their pairs.
        pools: Pools of `POOL_GROUPS` groups, drawn from the test split, that it is scored on.
        trained: Whether the siamese network is tried, too; the energies alone take no training.
    """

    def __init__(
        self,
        model: keras.Model,
        training: SeparatorTraining | None = None,
        pools: int = TEST_POOLS,
        trained: bool = True,
    ) -> None:
        self.kinds = (TRAINED, *ENERGIES) if trained else ENERGIES
        self.training, self.pools = training or SeparatorTraining(), pools
        self.drawn, self.group_size = MixedGroups(model, self.training.seed), model.group_size
        self.encoder: keras.Model = None
        self.scorer: keras.Model = None
        self.scale, self.curve, self.kind, self.tried, self.energies = 1.0, [], TRAINED, {}, {}

    def fit(self, train: Examples, valid: Examples) -> None:
        training = self.training
        features, held_out = self.drawn.many_features(train[0]), self.drawn.held_features(valid[0])
        self.scale = float(np.sqrt(np.square(features).mean())) or 1.0
        random = np.random.default_rng(training.seed)
        if TRAINED in self.kinds:
            self._train(features, held_out, random)
        mixtures, _ = self._pool(features, random, max(2, min(STATISTICS // self.group_size, len(features))))
        for kind in ENERGIES:
            energies = log_energies(mixtures, kind)
            self.energies[kind] = energies.mean(0), energies.std(0) + 1e-6
        for kind in self.kinds:
            self.tried[kind] = self._auc(held_out, np.random.default_rng(training.seed + 1), kind)[0]
        self.kind = max(self.tried, key=lambda kind: self.tried[kind])

    def _train(self, features: Array, held_out: Array, random: np.random.Generator) -> None:
        """Trains the siamese network; its state with the best AUC on held out features is kept."""
        import tensorflow as tf

        training = self.training
        keras.utils.set_random_seed(training.seed)
        self.encoder, self.scorer = _encoder(features.shape[1:]), _scorer()
        variables = self.encoder.trainable_variables + self.scorer.trainable_variables
        schedule = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.steps)
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01)
        optimizer.build(variables)

        @tf.function(reduce_retracing=True)
        def step(rows: Tensor, groups: Tensor) -> None:
            same = tf.cast(groups[:, None] == groups[None], tf.float32)
            apart = 1 - tf.eye(tf.shape(groups)[0])
            weight = apart * tf.where(same > 0, tf.reduce_sum((1 - same) * apart) / tf.reduce_sum(same * apart), 1.0)
            with tf.GradientTape() as tape:
                logits = self._logits(rows, training=True)
                losses = tf.nn.sigmoid_cross_entropy_with_logits(same, logits)
                loss = tf.reduce_sum(weight * losses) / tf.reduce_sum(weight)
            optimizer.apply(tape.gradient(loss, variables), variables)

        best, kept, every = -np.inf, list[Array](), max(1, -(-training.steps // 8))
        for number in range(1, training.steps + 1):
            rows, groups = self._pool(features, random, training.groups)
            step(rows, groups)
            if number % every == 0 or number == training.steps:
                self.curve.append(self._auc(held_out, np.random.default_rng(training.seed + 1), TRAINED)[0])
                if self.curve[-1] > best:
                    best, kept = self.curve[-1], [variable.numpy() for variable in variables]
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)

    def score(self, test: Examples) -> AttackScore:
        features = self.drawn.held_features(test[0])
        auc, spread, pools = self._auc(features, np.random.default_rng(self.training.seed + 2), self.kind, self.pools)
        details: dict[str, Any] = {
            "attack": self.kind,
            "tried": self.tried,
            "curve": self.curve,
        }
        details |= {"pools": pools, "groups_in_a_pool": min(POOL_GROUPS, len(features) // self.group_size)}
        return AttackScore(auc, 0.5, pools, "auc", details, spread)

    def similarity(self, mixtures: Array) -> Array:
        """How much each two of `n` mixtures seem to be of one group, `[n, n]`: logits, or correlations."""
        return self._similarity(np.asarray(mixtures, "float32") / self.scale, self.kind)

    def _similarity(self, rows: Array, kind: str) -> Array:
        if kind == TRAINED:
            return self._logits(rows, training=False).numpy()
        mean, spread = self.energies[kind]
        codes = (log_energies(rows, kind) - mean) / spread
        codes -= codes.mean(1, keepdims=True)
        codes /= np.linalg.norm(codes, axis=1, keepdims=True) + 1e-12
        return codes @ codes.T

    def _logits(self, rows: Array, training: bool) -> Tensor:
        import tensorflow as tf

        codes = self.encoder(rows, training=training)
        count = tf.shape(codes)[0]
        first = tf.repeat(codes, count, axis=0)
        second = tf.tile(codes, (count, 1))
        pairs = tf.concat([first * second, tf.abs(first - second)], -1)
        return tf.reshape(self.scorer(pairs, training=training), (count, count))

    def _pool(self, features: Array, random: np.random.Generator, groups: int) -> tuple[Array, Array]:
        size = self.group_size
        groups = max(2, min(groups, len(features) // size))
        index = random.choice(len(features), groups * size, replace=len(features) < groups * size)
        kept = min(size, max(2, MOST_ROWS // groups))
        grouped = (features[index] / self.scale).reshape(groups, size, -1)
        mixtures = key_rows(random, groups, size, kept) @ grouped
        return mixtures.reshape(-1, *features.shape[1:]), np.repeat(np.arange(groups, dtype="int32"), kept)

    def _auc(
        self, features: Array, random: np.random.Generator, kind: str, pools: int = POOLS
    ) -> tuple[float, float, int]:
        """Mean AUC over pools, its standard deviation, and how many pools."""
        from sklearn.metrics import roc_auc_score

        found = []
        for _ in range(pools):
            rows, groups = self._pool(features, random, POOL_GROUPS)
            upper = np.triu_indices(len(rows), 1)
            same = (groups[:, None] == groups[None])[upper]
            found.append(roc_auc_score(same, self._similarity(rows, kind)[upper]))
        return float(np.mean(found)), float(np.std(found)), len(found)


def key_rows(random: np.random.Generator, count: int, size: int, rows: int) -> Array:
    """The first rows of random orthogonal matrices, float32 `[count, rows, size]`."""
    q, r = np.linalg.qr(random.standard_normal((count, size, rows)))
    return (np.swapaxes(q, 1, 2) * np.sign(np.diagonal(r, axis1=1, axis2=2))[..., None]).astype("float32")


def log_energies(mixtures: Array, kind: str) -> Array:
    """Log squares of the numbers of mixtures `[n, ...]`, or of their gradients along all axes but the channels.

    Returns:
        `[n, numbers]`, each row less the log of its mean.
    """
    mixtures = np.asarray(mixtures, np.float64)
    energies = np.square(mixtures)
    if kind == GRADIENTS:
        axes = range(1, max(2, mixtures.ndim - 1))
        changes = (np.diff(mixtures, axis=axis, append=mixtures.take([-1], axis)) for axis in axes)
        energies = sum(map(np.square, changes), start=np.zeros_like(mixtures))
    energies = energies.reshape(len(energies), -1)
    return np.log(energies / (energies.mean(1, keepdims=True) + 1e-12) + 1e-3)


def _encoder(shape: Sequence[int], units: int = 64) -> keras.Model:
    inputs = keras.Input(shape)
    x = keras.layers.Concatenate()([inputs, keras.layers.Lambda(keras.ops.abs)(inputs)])
    if len(shape) == 1:
        x = keras.layers.Dense(4 * units, "relu")(x)
        x = keras.layers.Dense(4 * units, "relu")(x)
    else:
        filters = units // 2
        while min(x.shape[1:3]) > SMALL_MAP:
            x = keras.layers.Conv2D(filters, 3, 2, "same", activation="relu")(x)
            filters = units
        x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(units)(x), name="linker_code")


def _scorer(units: int = 64) -> keras.Model:
    inputs = keras.Input((2 * units,))
    x = keras.layers.Dense(units, "relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(x), name="linker_pair")
