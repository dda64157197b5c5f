"""Which of many shuffled mixtures belong together? Linkers, and what their answer is good for.

All mixtures of a group are loud where its inputs are: at each place, the size of a mixture's gradient follows the sum
of squares of the inputs' gradients there. That alone links them, without any training.
"""

from __future__ import annotations

import time

import keras
import numpy as np
from scipy.optimize import linear_sum_assignment

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.critic import SMALL_MAP, SeparatorTraining
from datamix_tf.attacks.mixed_groups import MixedGroups, haar, mix
from datamix_tf.attacks.separation import chance_agreement
from datamix_tf.attacks.separators import untrained_separators

POOL_GROUPS, POOLS = 8, 8
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
        pools: Most pools of `POOL_GROUPS` groups that are tested.
    """

    def __init__(self, model, training=None, pools=POOLS):
        self.training, self.pools = training or SeparatorTraining(), pools
        self.drawn, self.group_size = MixedGroups(model, self.training.seed), model.group_size
        self.encoder = self.scorer = None
        self.scale, self.curve, self.kind, self.tried, self.energies = 1.0, [], TRAINED, {}, {}

    def fit(self, train, valid):
        import tensorflow as tf

        training = self.training
        features, held_out = self.drawn.features(train[0]), self.drawn.features(valid[0])
        keras.utils.set_random_seed(training.seed)
        self.scale = float(np.sqrt(np.square(features).mean())) or 1.0
        self.encoder, self.scorer = _encoder(features.shape[1:]), _scorer()
        variables = self.encoder.trainable_variables + self.scorer.trainable_variables
        schedule = keras.optimizers.schedules.CosineDecay(training.learning_rate, training.steps)
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01)
        optimizer.build(variables)

        @tf.function(reduce_retracing=True)
        def step(rows, groups):
            same = tf.cast(groups[:, None] == groups[None], tf.float32)
            apart = 1 - tf.eye(tf.shape(groups)[0])
            weight = apart * tf.where(same > 0, tf.reduce_sum((1 - same) * apart) / tf.reduce_sum(same * apart), 1.0)
            with tf.GradientTape() as tape:
                logits = self._logits(rows, training=True)
                losses = tf.nn.sigmoid_cross_entropy_with_logits(same, logits)
                loss = tf.reduce_sum(weight * losses) / tf.reduce_sum(weight)
            optimizer.apply(tape.gradient(loss, variables), variables)

        random = np.random.default_rng(training.seed)
        best, kept, every = -np.inf, None, max(1, -(-training.steps // 8))
        for number in range(1, training.steps + 1):
            rows, groups = self._pool(features, random, training.groups)
            step(rows, groups)
            if number % every == 0 or number == training.steps:
                self.curve.append(self._auc(held_out, np.random.default_rng(training.seed + 1), TRAINED)[0])
                if self.curve[-1] > best:
                    best, kept = self.curve[-1], [variable.numpy() for variable in variables]
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
        mixtures, _ = self._pool(features, random, max(2, min(STATISTICS // self.group_size, len(features))))
        for kind in ENERGIES:
            energies = log_energies(mixtures, kind)
            self.energies[kind] = energies.mean(0), energies.std(0) + 1e-6
        for kind in (TRAINED, *ENERGIES):
            self.tried[kind] = self._auc(held_out, np.random.default_rng(training.seed + 1), kind)[0]
        self.kind = max(self.tried, key=self.tried.get)

    def score(self, test):
        features = self.drawn.features(test[0])
        auc, spread, pools = self._auc(features, np.random.default_rng(self.training.seed + 2), self.kind)
        details = {"attack": self.kind, "threat_model": "pooled", "tried": self.tried, "curve": self.curve}
        details |= {"pools": pools, "groups_in_a_pool": min(POOL_GROUPS, len(features) // self.group_size)}
        return AttackScore(auc, 0.5, pools, "auc", details, spread)

    def similarity(self, mixtures) -> np.ndarray:
        """How much each two of `n` mixtures seem to be of one group, `[n, n]`: logits, or correlations."""
        return self._similarity(np.asarray(mixtures, "float32") / self.scale, self.kind)

    def clusters(self, mixtures) -> np.ndarray:
        """Puts mixtures `[n, ...]` into groups of the edge's size by their content; returns `[n]` group numbers."""
        return balanced_clusters(self.similarity(mixtures), self.group_size)

    def _similarity(self, rows, kind):
        if kind == TRAINED:
            return self._logits(rows, training=False).numpy()
        mean, spread = self.energies[kind]
        codes = (log_energies(rows, kind) - mean) / spread
        codes -= codes.mean(1, keepdims=True)
        codes /= np.linalg.norm(codes, axis=1, keepdims=True) + 1e-12
        return codes @ codes.T

    def _logits(self, rows, training):
        import tensorflow as tf

        codes = self.encoder(rows, training=training)
        count = tf.shape(codes)[0]
        first = tf.repeat(codes, count, axis=0)
        second = tf.tile(codes, (count, 1))
        pairs = tf.concat([first * second, tf.abs(first - second)], -1)
        return tf.reshape(self.scorer(pairs, training=training), (count, count))

    def _pool(self, features, random, groups):
        size = self.group_size
        groups = max(2, min(groups, len(features) // size))
        index = random.choice(len(features), groups * size, replace=len(features) < groups * size)
        _, mixtures = mix(features[index] / self.scale, random, size)
        return mixtures, np.repeat(np.arange(groups, dtype="int32"), size)

    def _auc(self, features, random, kind):
        """Mean AUC over pools, its standard deviation, and how many pools."""
        from sklearn.metrics import roc_auc_score

        found = []
        for _ in range(self.pools):
            rows, groups = self._pool(features, random, POOL_GROUPS)
            upper = np.triu_indices(len(rows), 1)
            same = (groups[:, None] == groups[None])[upper]
            found.append(roc_auc_score(same, self._similarity(rows, kind)[upper]))
        return float(np.mean(found)), float(np.std(found)), len(found)


class PooledKeyAttack(Attack):
    """Clusters a shuffled pool of many groups by a linker, then separates each cluster (`pooled`).

    The score is how well the recovered rows single out one feature each: the mean of the matched absolute coefficients
    of all features of the pool in the rows of a cluster. Chance is a random rotation of the same clusters.

    Args:
        model: A `DataMixModel`.
        training: A `SeparatorTraining` for the linker.
        separators: `Separator`s to try; default: those that need no training.
        linker: A `LinkAttack` to use that is fitted already.
    """

    def __init__(self, model, training=None, separators=None, linker=None):
        self.training = training or SeparatorTraining()
        self.linker = linker or LinkAttack(model, self.training)
        self.linked = linker is not None
        self.separators = untrained_separators(self.training.seed) if separators is None else list(separators)
        self.best, self.tried = self.separators[0], {}

    def fit(self, train, valid):
        if not self.linked:
            self.linker.fit(train, valid)
        drawn = self.linker.drawn
        features, held_out = drawn.features(train[0]), drawn.features(valid[0])
        for separator in self.separators:
            separator.fit(features, drawn.group_size)
        for separator in self.separators:
            self.tried[separator.name] = self._recovered(held_out, separator, self.training.seed + 3, 1)[0][0]
        self.best = max(self.separators, key=lambda separator: self.tried[separator.name])

    def score(self, test):
        features = self.linker.drawn.features(test[0])
        started = time.perf_counter()
        (found, spread), (chance, _), pure, groups = self._recovered(
            features, self.best, self.training.seed + 4, POOLS // 2
        )
        details = {
            "attack": f"clusters by {self.linker.kind}, then {self.best.name}",
            "threat_model": "pooled",
            "tried": self.tried,
            "pairs_clustered_rightly": pure,
            "linked_chance": chance_agreement(self.linker.group_size)[0],
            "seconds_per_group": (time.perf_counter() - started) / groups,
        }
        return AttackScore(found, chance, groups, "key_agreement", details, spread)

    def _recovered(self, features, separator, seed, pools):
        """`((mean, spread), the same of random rotations, share of right pairs, groups)`."""
        random, size = np.random.default_rng(seed), self.linker.group_size
        found, chance, pure = [], [], []
        for _ in range(pools):
            groups = max(2, min(POOL_GROUPS, len(features) // size))
            index = random.choice(len(features), groups * size, replace=len(features) < groups * size)
            keys, mixtures = mix(features[index], random, size)
            whole = np.zeros((groups * size, groups * size))  # the coefficients of all features in all mixtures
            for number, key in enumerate(keys):
                whole[number * size : (number + 1) * size, number * size : (number + 1) * size] = key
            order = random.permutation(len(mixtures))
            mixtures, whole, truth = mixtures[order], whole[order], order // size
            clusters = self.linker.clusters(mixtures)
            for number in range(groups):
                members = np.flatnonzero(clusters == number)
                same = truth[members][:, None] == truth[members][None]
                pure.append((same.sum() - size) / (size * (size - 1)))
                for estimate, values in ((separator.separate(mixtures[members]), found), (haar(random, size), chance)):
                    values.append(_matched(estimate @ whole[members]))
        summary = [(float(np.mean(values)), float(np.std(values))) for values in (found, chance)]
        return *summary, float(np.mean(pure)), len(found)


def log_energies(mixtures, kind) -> np.ndarray:
    """Log squares of the numbers of mixtures `[n, ...]`, or of their gradients along all axes but the channels.

    Returns:
        `[n, numbers]`, each row less the log of its mean.
    """
    mixtures = np.asarray(mixtures, np.float64)
    energies = np.square(mixtures)
    if kind == GRADIENTS:
        energies = sum(
            np.square(np.diff(mixtures, axis=axis, append=mixtures.take([-1], axis)))
            for axis in range(1, max(2, mixtures.ndim - 1))
        )
    energies = energies.reshape(len(energies), -1)
    return np.log(energies / (energies.mean(1, keepdims=True) + 1e-12) + 1e-3)


def balanced_clusters(similarity, size, rounds=20) -> np.ndarray:
    """Parts rows into clusters of `size` so that similarity within them is large.

    Seeds are the rows that are least like each other; then rows are assigned to clusters by optimal matching on their
    mean similarity to the members, until nothing changes.

    Args:
        similarity: `[n, n]`, symmetric; `n` a multiple of `size`.
        size: Rows in a cluster.
        rounds: Most rounds.

    Returns:
        Cluster numbers `[n]`.
    """
    similarity = np.asarray(similarity, np.float64)
    similarity = (similarity + similarity.T) / 2
    count = len(similarity) // size
    seeds = [int(similarity.sum(0).argmin())]
    while len(seeds) < count:
        closest = similarity[:, seeds].max(1)
        closest[seeds] = np.inf
        seeds.append(int(closest.argmin()))
    affinity, clusters = similarity[:, seeds], None
    for _ in range(rounds):
        rows, columns = linear_sum_assignment(-np.repeat(affinity, size, axis=1))
        assigned = columns[np.argsort(rows)] // size
        if clusters is not None and (assigned == clusters).all():
            break
        clusters = assigned
        member = clusters[:, None] == np.arange(count)[None]
        own = np.diag(similarity)[:, None] * member  # a row's likeness to itself says nothing
        affinity = (similarity @ member - own) / (size - member)
    return clusters


def _matched(coefficients) -> float:
    """Mean of the absolute coefficients of rows `[S_G, all features]`, matched one to one."""
    sizes = np.abs(coefficients)
    rows, columns = linear_sum_assignment(-sizes)
    return float(sizes[rows, columns].mean())


def _encoder(shape, units=64):
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


def _scorer(units=64):
    inputs = keras.Input((2 * units,))
    x = keras.layers.Dense(units, "relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(x), name="linker_pair")
