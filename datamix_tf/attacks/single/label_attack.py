"""Reading labels (identity, attributes, keyword) from single transmitted tensors with a trained network."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import AttackScore
from datamix_tf.attacks.single.network_attack import AttackTraining, NetworkAttack
from datamix_tf.metrics import balanced_accuracy, best_thresholds
from datamix_tf.typing import Array, Examples


class LabelAttack(NetworkAttack):
    """Reads a label of the input that a transmitted tensor corresponds to.

    Mixture `k` of a group is taken to correspond to input `k`, as in the papers; `SetAttack` does without.

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
        self.thresholds = np.zeros(outputs)

    def loss(self) -> keras.losses.Loss:
        if self.binary:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def measure(self, logits: Array, labels: Array) -> float:
        if self.binary:
            return balanced_accuracy(labels, logits > best_thresholds(labels, logits))
        return float((logits.argmax(1) == labels).mean())

    def fit(self, train: Examples, valid: Examples) -> None:
        super().fit(train, valid)
        if self.binary:
            logits, labels = self.predict(valid)
            self.thresholds = best_thresholds(labels, logits)

    def score(self, test: Examples) -> AttackScore:
        return self.score_of(*self.predict(test))

    def score_of(self, logits: Array, labels: Array) -> AttackScore:
        """The score of logits against labels."""
        if not self.binary:
            hits = float((logits.argmax(1) == labels).mean())
            return AttackScore(hits, most_frequent_share(labels), len(labels), "accuracy", self.details)
        score = balanced_accuracy(labels, logits > self.thresholds)
        return AttackScore(score, 0.5, len(labels), "balanced_accuracy", self.details)


def most_frequent_share(labels: Array) -> float:
    """The share of the most frequent class: what always naming it reaches."""
    return float(np.bincount(labels).max() / len(labels))
