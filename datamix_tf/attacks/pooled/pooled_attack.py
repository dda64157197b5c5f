"""A shuffled pool of mixtures, put back into its groups by their content, and separated."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import linear_sum_assignment

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.critic import SeparatorTraining
from datamix_tf.attacks.linked.mixed_groups import mix, rotations
from datamix_tf.attacks.linked.separation import chance_agreement
from datamix_tf.attacks.linked.separators import Separator, untrained_separators
from datamix_tf.attacks.pooled.linker import POOL_GROUPS, POOLS, LinkAttack
from datamix_tf.typing import Array, Examples


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

    def __init__(
        self,
        model: keras.Model,
        training: SeparatorTraining | None = None,
        separators: Iterable[Separator] | None = None,
        linker: LinkAttack | None = None,
    ) -> None:
        self.training = training or SeparatorTraining()
        self.linker = linker or LinkAttack(model, self.training)
        self.linked = linker is not None
        self.separators = untrained_separators(self.training.seed) if separators is None else list(separators)
        self.best, self.tried = self.separators[0], {}

    def fit(self, train: Examples, valid: Examples) -> None:
        if not self.linked:
            self.linker.fit(train, valid)
        drawn = self.linker.drawn
        features, held_out = drawn.held_features(train[0]), drawn.held_features(valid[0])
        for separator in self.separators:
            separator.fit(features, drawn.group_size)
        for separator in self.separators:
            self.tried[separator.name] = self._recovered(held_out, separator, self.training.seed + 3, 1)[0][0]
        self.best = max(self.separators, key=lambda separator: self.tried[separator.name])

    def score(self, test: Examples) -> AttackScore:
        features = self.linker.drawn.held_features(test[0])
        started = time.perf_counter()
        (found, spread), (chance, _), pure, groups = self._recovered(
            features, self.best, self.training.seed + 4, POOLS // 2
        )
        details = {
            **self.details,
            "pairs_clustered_rightly": pure,
            "linked_chance": chance_agreement(self.linker.group_size)[0],
            "seconds_per_group": (time.perf_counter() - started) / groups,
        }
        return AttackScore(found, chance, groups, "key_agreement", details, spread)

    @property
    def details(self) -> dict[str, Any]:
        """What stands beside a score: what was tried, and the best of it."""
        return {
            "attack": f"clusters by {self.linker.kind}, then {self.best.name}",
            "tried": self.tried,
        }

    def _recovered(
        self, features: Array, separator: Separator, seed: int | None, count: int
    ) -> tuple[tuple[float, float], tuple[float, float], float, int]:
        """`((mean, spread), the same of random rotations, share of right pairs, groups)`."""
        random, size = np.random.default_rng(seed), self.linker.group_size
        found, chance, pure = [], [], []
        for pool in self.pools(features, random, count):
            for members in pool.members(size):
                same = pool.group[members][:, None] == pool.group[members][None]
                pure.append((same.sum() - size) / (size * (size - 1)))
                for estimate, values in (
                    (separator.separate(pool.mixtures[members]), found),
                    (rotations(random, 1, size)[0], chance),
                ):
                    values.append(_matched(estimate @ pool.coefficients[members]))
        right, guessed = ((float(np.mean(values)), float(np.std(values))) for values in (found, chance))
        return right, guessed, float(np.mean(pure)), len(found)

    def pools(self, features: Array, random: np.random.Generator, count: int) -> Iterator[Pool]:
        """Yields `count` pools of features drawn without their groups' order, clustered by the linker."""
        size = self.linker.group_size
        for _ in range(count):
            groups = max(2, min(POOL_GROUPS, len(features) // size))
            index = random.choice(len(features), groups * size, replace=len(features) < groups * size)
            keys, mixtures = mix(features[index], random, size)
            order = random.permutation(len(mixtures))
            clusters = balanced_clusters(self.linker.similarity(mixtures[order]), size)
            yield Pool(index, mixtures[order], block_diag(*keys)[order], order // size, clusters)


@dataclasses.dataclass(frozen=True)
class Pool:
    """Shuffled mixtures of several groups, and what an attacker made of them.

    Attributes:
        index: Which examples are in it, `[n]`.
        mixtures: `[n, ...]`, shuffled.
        coefficients: The coefficients of the examples in the mixtures, `[n, n]`: what only a measurement knows.
        group: The group of each mixture, `[n]`: what only a measurement knows.
        clusters: The attacker's cluster of each mixture, `[n]`.
    """

    index: Array
    mixtures: Array
    coefficients: Array
    group: Array
    clusters: Array

    def members(self, size: int) -> Array:
        """The mixtures of each cluster, `[clusters, size]`."""
        return np.argsort(self.clusters, kind="stable").reshape(-1, size)


def balanced_clusters(similarity: Array, size: int, rounds: int = 20) -> Array:
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
    affinity, clusters = similarity[:, seeds], np.full(len(similarity), -1)
    for _ in range(rounds):
        rows, columns = linear_sum_assignment(-np.repeat(affinity, size, axis=1))
        assigned = columns[np.argsort(rows)] // size
        if (assigned == clusters).all():
            break
        clusters = assigned
        member = clusters[:, None] == np.arange(count)[None]
        own = np.diag(similarity)[:, None] * member  # a row's likeness to itself says nothing
        affinity = (similarity @ member - own) / (size - member)
    return clusters


def _matched(coefficients: Array) -> float:
    """Mean of the absolute coefficients of rows `[S_G, all features]`, matched one to one."""
    sizes = np.abs(coefficients)
    rows, columns = linear_sum_assignment(-sizes)
    return float(sizes[rows, columns].mean())
