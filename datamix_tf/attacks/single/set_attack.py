"""Naming everybody in a mixture: which input a mixture corresponds to is only a convention."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.attacks.base import AttackScore
from datamix_tf.attacks.single.network_attack import Goal, NetworkAttack
from datamix_tf.typing import Array, Examples, Tensor
from datamix_tf.uncertainty import in_groups, of_mean


class SetAttack(NetworkAttack):
    """Predicts the classes of all inputs of a mixture's group.

    The score is the recall at k = S_G: the share of a group's distinct classes among the k most likely ones. Chance is
    the recall of always naming the k most frequent classes of the attacker's examples; k classes drawn blindly have k
    of all.

    The arguments are those of `NetworkAttack`; labels are classes.
    """

    def goals(self) -> tuple[Goal, ...]:
        return (set_goal(self.outputs, self.group_size),)

    def measure(self, logits: Array, labels: Array) -> float:
        return float(np.mean(recalls(logits, labels, self.group_size)))

    def fit(self, train: Examples, valid: Examples) -> None:
        super().fit(train, valid)
        self.frequencies = np.bincount(train[1], minlength=self.outputs).astype(float)

    def score(self, test: Examples) -> AttackScore:
        logits, labels = self.predict(test)
        found = recalls(logits, labels, self.group_size)
        guessed = recalls(np.tile(self.frequencies, (len(labels), 1)), labels, self.group_size)
        return AttackScore(
            float(found.mean()),
            float(guessed.mean()),
            len(labels),
            "recall",
            self.details | {"k": self.group_size},
            uncertainty=of_mean(found, *in_groups(len(found), self.group_size)),
            guess=min(1.0, self.group_size / self.outputs),
        )


def set_goal(classes: int, group_size: int) -> Goal:
    """Learning from each mixture the classes of its whole group, each with its share of the members."""

    def targets(labels: Tensor) -> Tensor:
        import tensorflow as tf

        shares = tf.reduce_mean(tf.reshape(tf.one_hot(labels, classes), [-1, group_size, classes]), 1)
        return tf.repeat(shares, group_size, axis=0)

    return Goal("the set of its group", keras.losses.CategoricalCrossentropy(from_logits=True), targets)


def recalls(scores: Array, labels: Array, group_size: int) -> Array:
    """For each mixture, the share of its group's distinct classes among the `group_size` highest scores.

    Args:
        scores: Float array `[n, classes]`, `n` a whole number of groups.
        labels: Int array `[n]`.
        group_size: Rows in a group, and `k`.

    Returns:
        Float array `[n]`.
    """
    groups = np.repeat(np.asarray(labels).reshape(-1, group_size), group_size, axis=0)
    top = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :group_size]
    return np.array(
        [np.isin(np.unique(members), named).mean() for members, named in zip(groups, top, strict=True)], dtype=float
    )
