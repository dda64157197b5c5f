"""Ways to undo the mixing of one group, all with one interface.

A separator is one class here or in a module of its own, and one entry of `separation_attack.separators`: the audit then
runs it on every model, and the attacks that read what was separated may choose it.
"""

from __future__ import annotations

import abc

import numpy as np

from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.linked.second_order import covariances, joint_diagonalizer
from datamix_tf.attacks.linked.separation import VIEWS, centre, separate
from datamix_tf.typing import Array


class Separator(abc.ABC):
    """Estimates the inverse of a group's key.

    Attributes:
        name: What tables call it.
    """

    name: str

    def fit(self, features: Array, group_size: int) -> None:
        """Learns from features `[n, ...]` of the attacker's own examples, in groups as large as the edge's.

        The default does nothing.
        """
        del features, group_size

    @abc.abstractmethod
    def separate(self, mixtures: Array) -> Array:
        """From a group's mixtures `[S_G, ...]`: `W [S_G, S_G]`, orthogonal, with `W mixtures` near the features."""


class RandomRotation(Separator):
    """No attack: what every score is compared with."""

    name = "random rotation"

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def separate(self, mixtures: Array) -> Array:
        return rotations(self.random, 1, len(mixtures))[0]


class IndependentComponents(Separator):
    """FastICA or Picard on one view of the mixtures (`separation.separate`)."""

    def __init__(self, kind: str = "gradients", algorithm: str = "fastica", seed: int = 0) -> None:
        self.kind, self.algorithm, self.seed, self.mean = kind, algorithm, seed, None
        self.name = f"{'FastICA' if algorithm == 'fastica' else 'Picard'} on {kind}"

    def fit(self, features: Array, group_size: int) -> None:
        self.mean = np.asarray(features, np.float64).mean(0)

    def separate(self, mixtures: Array) -> Array:
        return separate(mixtures, self.kind, self.mean, self.seed, self.algorithm)


class SecondOrder(Separator):
    """Joint diagonalisation of covariances at lags, in blocks and by channel, less the known mean."""

    name = "second-order statistics"

    def __init__(self) -> None:
        self.mean = None

    def fit(self, features: Array, group_size: int) -> None:
        self.mean = np.asarray(features, np.float64).mean(0)

    def separate(self, mixtures: Array) -> Array:
        return joint_diagonalizer(covariances(centre(mixtures, self.mean)))


def untrained_separators(seed: int = 0) -> list[Separator]:
    """The separators that need no training."""
    fastica = [IndependentComponents(kind, "fastica", seed) for kind in VIEWS]
    return [*fastica, IndependentComponents("gradients", "picard", seed), SecondOrder()]
