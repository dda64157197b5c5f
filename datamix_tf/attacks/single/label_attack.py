"""Reading labels (identity, attributes, keyword) from single transmitted tensors with a trained network."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import AttackScore
from datamix_tf.attacks.single.network_attack import AttackTraining, Goal, NetworkAttack
from datamix_tf.attacks.single.set_attack import set_goal
from datamix_tf.metrics import balanced_accuracy, best_thresholds
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import in_groups, of_balanced_accuracy, of_mean


class LabelAttack(NetworkAttack):
    """Reads a label of the input that a transmitted tensor corresponds to.

    Mixture `k` of a group is taken to correspond to input `k`, as in the papers; `SetAttack` does without. Of a mixture
    that tells of all its group alike, an attacker must pick one, and learns little from being told which: so of classes
    in groups a network that is trained to name the whole group is a candidate, too, taken by its top name. (A network
    whose two top names hold a share r of a pair's members is right with one of them for r / 2 of the inputs.)

    Args:
        binary: Whether the labels are several independent 0/1 ones; the score is then the balanced accuracy, averaged
            over labels (thresholds chosen on the validation examples), else the accuracy.

    The other arguments are those of `NetworkAttack`.

    Reference: DataMix (ECCV 2020), section 5.1, Metrics.
    """

    def __init__(
        self, model: keras.Model, outputs: int, binary: bool, training: AttackTraining | None = None, **kwargs: Any
    ) -> None:
        super().__init__(model, outputs, training, **kwargs)
        self.binary = binary
        self.thresholds, self.seen = np.zeros(outputs), np.zeros(0, int)

    def loss(self) -> keras.losses.Loss:
        if self.binary:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def goals(self) -> tuple[Goal, ...]:
        groups = not self.binary and self.group_size > 1 and not self.shuffle and self.mates != "same"
        return super().goals() + ((set_goal(self.outputs, self.group_size),) if groups else ())

    def measure(self, logits: Array, labels: Array) -> float:
        if self.binary:
            return balanced_accuracy(labels, logits > best_thresholds(labels, logits))
        return float((logits.argmax(1) == labels).mean())

    def fit(self, train: Examples, valid: Examples) -> None:
        super().fit(train, valid)
        self.seen = np.asarray(train[1])
        if self.binary:
            logits, labels = self.predict(valid)
            self.thresholds = best_thresholds(labels, logits)

    def score(self, test: Examples) -> AttackScore:
        return self.score_of(*self.predict(test))

    def score_of(self, logits: Array, labels: Array) -> AttackScore:
        """The score of logits against labels."""
        if not self.binary:
            return naming_score(labels, logits.argmax(1), self.seen, self.outputs, self.group_size, self.details)
        return balanced_score(labels, logits > self.thresholds, self.group_size, self.details)


def balanced_score(labels: Array, named: Array, group_size: int, details: dict[str, Any]) -> AttackScore:
    """Balanced accuracy of 0/1 labels `[n, columns]`, read of rows that lie group by group; guessing has one half."""
    uncertainty = of_balanced_accuracy(labels, named, *in_groups(len(labels), group_size))
    score = balanced_accuracy(labels, named)
    return AttackScore(score, 0.5, len(labels), "balanced_accuracy", details, uncertainty=uncertainty)


def naming_score(
    labels: Array, named: Array, seen: Array, classes: int, group_size: int, details: dict[str, Any]
) -> AttackScore:
    """Accuracy of naming one of several classes.

    Args:
        labels: Int array `[n]`, of rows that lie group by group.
        named: Likewise, what was named.
        seen: Int array, the labels that the attacker has learned from.
        classes: How many classes there are.
        group_size: Rows in a group.
        details: Of the `AttackScore`.

    Returns:
        A score whose chance is `share_of_most_seen`, and whose guess is one of the classes, blindly.
    """
    hits = np.asarray(labels) == named
    uncertainty = of_mean(hits, *in_groups(len(hits), group_size))
    chance = share_of_most_seen(seen, labels)
    return AttackScore(
        float(hits.mean()), chance, len(hits), "accuracy", details, uncertainty=uncertainty, guess=1 / classes
    )


def share_of_most_seen(seen: Array, labels: Array) -> float:
    """What always naming the class with the most training labels reaches.

    The attacker knows its own examples, not the ones it is scored on, so the most frequent class of those would be too
    high a chance level. Of several classes that were seen equally often one is drawn: the score is their mean.

    Args:
        seen: Int array of training labels, at least one.
        labels: Int array of the labels that are scored on, at least one.
    """
    counts = np.bincount(seen)
    most = np.flatnonzero(counts == counts.max())
    return float(np.isin(labels, most).mean() / len(most))
