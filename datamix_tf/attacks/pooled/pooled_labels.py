"""Labels read from a shuffled pool of mixtures that was put back into groups and separated."""

from __future__ import annotations

import keras
import numpy as np
from scipy.optimize import linear_sum_assignment

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.critic import SeparatorTraining
from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.pooled.linker import POOLS, LinkAttack
from datamix_tf.attacks.pooled.pooled_attack import PooledKeyAttack
from datamix_tf.attacks.single.network_attack import AttackTraining
from datamix_tf.attacks.single.row_reader import RowReader, best_order
from datamix_tf.typing import Array, Examples


class PooledLabelAttack(Attack):
    """Reads labels behind a linker's clusters and their separation (`pooled`).

    A `RowReader` reads every recovered row. Nobody knows which cluster is which group: clusters are compared with
    groups, and rows with inputs, in the orders that fit best. Chance is what the same reading and matching make of
    random rotations of the same clusters.

    Args:
        model: A `DataMixModel`.
        outputs: Number of logits.
        binary: As for `LabelAttack`.
        training: An `AttackTraining` for the reader.
        separation: A `SeparatorTraining` for the linker.
        linker: A `LinkAttack` to use that is fitted already.
        pools: Pools, drawn from the test split, that it is scored on.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: int,
        binary: bool,
        training: AttackTraining | None = None,
        separation: SeparatorTraining | None = None,
        linker: LinkAttack | None = None,
        pools: int = POOLS // 2,
    ) -> None:
        self.pools = pools
        self.keys = PooledKeyAttack(model, separation, linker=linker)
        self.reader = RowReader(model, outputs, binary, training or AttackTraining())

    def fit(self, train: Examples, valid: Examples) -> None:
        self.keys.fit(train, valid)
        self.reader.fit(train, valid)

    def score(self, test: Examples) -> AttackScore:
        x, y = test
        size, seed = self.keys.linker.group_size, self.keys.training.seed
        drawn, random = self.keys.linker.drawn, np.random.default_rng(seed + 5)
        part = drawn.part(x)
        features, y = drawn.features(x[part]), np.asarray(y)[part]
        labels, separated, turned, shown = [], [], [], []
        for pool in self.keys.pools(features, random, self.pools):
            truth = y[pool.index]
            truth = truth.reshape(-1, size, *truth.shape[1:])
            labels.append(np.concatenate(truth))
            shown.append(pool.index)
            clusters = [pool.mixtures[members] for members in pool.members(size)]
            for estimates, named in (
                ([self.keys.best.separate(mixtures) for mixtures in clusters], separated),
                (rotations(random, len(clusters), size), turned),
            ):
                rows = [np.tensordot(*pair, 1) for pair in zip(estimates, clusters, strict=True)]
                found = self.reader.read(np.concatenate(rows)).reshape(truth.shape)
                named.append(np.concatenate(best_groups(found, truth)))
        labels = np.concatenate(labels)
        found, guessed = np.concatenate(separated), np.concatenate(turned)
        score, chance = (self.reader.share(labels, named) for named in (found, guessed))
        pools = np.repeat(np.arange(len(shown)), [len(index) for index in shown])
        uncertainty = self.reader.uncertainty(labels, found, np.concatenate(shown), pools)
        details = {**self.reader.attack.details, **self.keys.details}
        return AttackScore(score, chance, len(labels), self.reader.measure, details, uncertainty=uncertainty)


def best_groups(named: Array, labels: Array) -> Array:
    """What was named in clusters `[clusters, S_G, ...]`, in the order that fits the labels of groups best.

    Each cluster is put in its best order for each group, and clusters are then assigned to groups.
    """
    turned = [[cluster[best_order(cluster, group)] for group in labels] for cluster in named]
    right = np.array([[(a == b).mean() for a, b in zip(row, labels, strict=True)] for row in turned])
    clusters, groups = linear_sum_assignment(-right)
    return np.stack([turned[cluster][group] for group, cluster in sorted(zip(groups, clusters, strict=True))])
