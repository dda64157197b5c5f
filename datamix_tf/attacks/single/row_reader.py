"""Reading labels from rows that a separation recovered, whose signs and order nobody knows."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
from scipy.optimize import linear_sum_assignment

from datamix_tf.attacks.single.label_attack import LabelAttack
from datamix_tf.attacks.single.network_attack import AttackTraining
from datamix_tf.datamix_model import DataMixModel
from datamix_tf.metrics import balanced_accuracy
from datamix_tf.typing import Array, Examples
from datamix_tf.uncertainty import Uncertainty, of_balanced_accuracy, of_mean


class RowReader:
    """A network like M_main that reads a label from one recovered feature.

    It is trained on unmixed features of random sign, so that the signs that separation cannot know do not matter. The
    attacker does not know which input comes first, and need not: what was read is compared with the labels in the
    order that fits best.

    Args:
        model: A `DataMixModel`.
        outputs: Number of logits.
        binary: As for `LabelAttack`.
        training: An `AttackTraining`.
        callbacks: Keras callbacks for `fit`.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: int,
        binary: bool,
        training: AttackTraining,
        callbacks: Iterable[keras.callbacks.Callback] = (),
    ) -> None:
        single = DataMixModel(model.pre, model.main, model.post, group_size=1)
        self.attack = LabelAttack(single, outputs, binary, training, callbacks=callbacks)
        self.binary = binary
        self._part: keras.Model = None

    @property
    def measure(self) -> str:
        """Name of what `share` returns."""
        return "matched_balanced_accuracy" if self.binary else "matched_accuracy"

    def fit(self, train: Examples, valid: Examples) -> None:
        """Trains on labelled examples, as `Attack.fit` does."""
        self.attack.fit(train, valid)
        self._part = self.attack.reading_part()

    def read(self, rows: Array) -> Array:
        """The labels read from recovered rows `[n, ...]`: classes `[n]`, or 0/1 `[n, outputs]`."""
        logits = keras.ops.convert_to_numpy(self._part(np.asarray(rows, "float32"), training=False))
        return (logits > self.attack.thresholds).astype(int) if self.binary else logits.argmax(1)

    def share(self, labels: Array, named: Array) -> float:
        """How much of what was named is right: (balanced) accuracy."""
        return balanced_accuracy(labels, named) if self.binary else float((labels == named).mean())

    def uncertainty(self, labels: Array, named: Array, *units: Array) -> Uncertainty:
        """How far `share` may be off; units as of `datamix_tf.uncertainty.of_mean`."""
        return of_balanced_accuracy(labels, named, *units) if self.binary else of_mean(labels == named, *units)


def best_order(named: Array, labels: Array) -> Array:
    """The rows in the order in which most of what was named is right."""
    same = (named[:, None] == labels[None]).reshape(len(named), len(labels), -1).mean(-1)
    rows, columns = linear_sum_assignment(-same)
    return rows[np.argsort(columns)]
