"""Attacks on a group's mixtures side by side: separate them, then read what comes out."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.linked.critic import CriticAscent, SeparatorTraining
from datamix_tf.attacks.linked.mixed_groups import MixedGroup, MixedGroups, rotations
from datamix_tf.attacks.linked.separation import agreement, chance_agreement
from datamix_tf.attacks.linked.separators import Separator, untrained_separators
from datamix_tf.attacks.linked.unmixing import UnmixingNetwork
from datamix_tf.attacks.single.network_attack import AttackTraining
from datamix_tf.attacks.single.row_reader import RowReader, best_order
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import in_groups

VALID_GROUPS, TEST_GROUPS = 8, 64


def separators(training: SeparatorTraining | None = None) -> list[Separator]:
    """All separators, fresh ones; those that learn with a `SeparatorTraining`."""
    training = training or SeparatorTraining()
    return [*untrained_separators(training.seed), CriticAscent(training), UnmixingNetwork(training)]


class KeyAttack(Attack):
    """Recovers the keys of groups whose mixtures are known to belong together.

    Of several separators the one counts that does best on groups that the attacker mixes itself. Needs no labels.

    Args:
        model: A `DataMixModel`.
        separators: `Separator`s to try; default: those that need no training.
        groups: Most test groups that are attacked.
        seed: Seed of keys.
        answers: Whether it separates the rows that the cloud sends back instead of the mixtures.

    Raises:
        ValueError: If the model does not mix groups of at least 2.
    """

    def __init__(
        self,
        model: keras.Model,
        separators: Iterable[Separator] | None = None,
        groups: int = TEST_GROUPS,
        seed: int = 0,
        answers: bool = False,
    ) -> None:
        self.drawn, self.groups, self.seed = MixedGroups(model, seed), groups, seed
        self.group_size, self.answers = model.group_size, answers
        self.separators = untrained_separators(seed) if separators is None else list(separators)
        self.best, self.tried = self.separators[0], {}

    def fit(self, train: Examples, valid: Examples) -> None:
        features = self.drawn.many_features(train[0])
        if self.answers:
            features = self.drawn.answers(features)
        groups = self.drawn.draw(valid[0], min(VALID_GROUPS, self.groups), self.seed + 1)
        for separator in self.separators:
            separator.fit(features, self.group_size)
            if len(self.separators) > 1:
                found = [agreement(separator.separate(self.seen(group)), group.key)[0] for group in groups]
                self.tried[separator.name] = float(np.mean(found))
        if self.tried:
            self.best = max(self.separators, key=lambda separator: self.tried[separator.name])

    def score(self, test: Examples) -> AttackScore:
        groups = self.drawn.draw(test[0], self.groups)
        started = time.perf_counter()
        found = [agreement(self.separate(self.seen(group)), group.key)[0] for group in groups]
        seconds = (time.perf_counter() - started) / len(found)
        chance, spread = chance_agreement(self.group_size)
        details = {**self.details, "groups": len(found), "chance_spread": spread, "seconds_per_group": seconds}
        return AttackScore(float(np.mean(found)), chance, len(found), "key_agreement", details, float(np.std(found)))

    def seen(self, group: MixedGroup) -> Array:
        """What is separated of a `MixedGroup`."""
        return self.drawn.answers(group.mixtures) if self.answers else group.mixtures

    def separate(self, mixtures: Array) -> Array:
        """The estimated inverse of a group's key, `[S_G, S_G]`, by the best separator."""
        return self.best.separate(mixtures)

    @property
    def details(self) -> dict[str, Any]:
        """What stands beside a score: what was tried, and the best of it."""
        return {"attack": f"{self.best.name}, groups known", "tried": self.tried}


class SeparatedLabelAttack(Attack):
    """Reads labels from what separation recovers of groups whose mixtures are known to belong together.

    A `RowReader` reads every recovered feature. Chance is what the same reading and matching make of a random rotation
    instead of a separation. (`oracle_order`: the score in the order that the true key gives.)

    Args:
        model: A `DataMixModel`.
        outputs: Number of logits.
        binary: As for `LabelAttack`.
        training: An `AttackTraining`.
        callbacks: Keras callbacks for `fit`.
        separators: As for `KeyAttack`.
        groups: Most test groups that are attacked.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: int,
        binary: bool,
        training: AttackTraining | None = None,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        separators: Iterable[Separator] | None = None,
        groups: int = TEST_GROUPS,
    ) -> None:
        training = training or AttackTraining()
        self.keys = KeyAttack(model, separators, groups, seed=training.seed)
        self.reader = RowReader(model, outputs, binary, training, callbacks)

    def fit(self, train: Examples, valid: Examples) -> None:
        self.keys.fit(train, valid)
        self.reader.fit(train, valid)

    def score(self, test: Examples) -> AttackScore:
        x, y = test
        random, reader = np.random.default_rng(self.keys.seed), self.reader
        labels, named = [], {"separated": [], "oracle": [], "random": []}
        for group in self.keys.drawn.draw(x, self.keys.groups):
            truth = np.asarray(y)[group.index]
            labels.append(truth)
            estimate = self.keys.separate(group.mixtures)
            found = reader.read(np.tensordot(estimate, group.mixtures, 1))
            named["oracle"].append(found[agreement(estimate, group.key)[1]])
            named["separated"].append(found[best_order(found, truth)])
            found = reader.read(np.tensordot(rotations(random, 1, len(truth))[0], group.mixtures, 1))
            named["random"].append(found[best_order(found, truth)])
        labels, rows = np.concatenate(labels), {kind: np.concatenate(found) for kind, found in named.items()}
        score = {kind: reader.share(labels, found) for kind, found in rows.items()}
        uncertainty = reader.uncertainty(labels, rows["separated"], *in_groups(len(labels), self.keys.group_size))
        details = {**reader.attack.details, **self.keys.details, "oracle_order": score["oracle"]}
        figures = score["separated"], score["random"], len(labels)
        return AttackScore(*figures, reader.measure, details, uncertainty=uncertainty)
