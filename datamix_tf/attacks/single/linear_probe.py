"""The weakest attack worth the name: a linear model on the transmitted numbers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.single.label_attack import balanced_score, naming_score
from datamix_tf.mates import arrange
from datamix_tf.metrics import best_thresholds
from datamix_tf.sampling import sampled
from datamix_tf.transmission import group_size_of, transmitted
from datamix_tf.typing import Array, Examples


class LinearProbe(Attack):
    """Ridge classifiers on the principal components of single transmitted tensors.

    What it reads, a network that reads less has missed: it is the check on the other attacks.

    Args:
        model: The attacked model, see `datamix_tf.transmission`.
        outputs: Number of classes, or of binary labels.
        binary: Whether the labels are several independent 0/1 ones.
        components: Principal components.
        seed: Seed of order, keys and components.
    """

    def __init__(self, model: keras.Model, outputs: int, binary: bool, components: int = 200, seed: int = 0) -> None:
        self.binary, self.outputs, self.components, self.seed = binary, outputs, components, seed
        self.sender, self.group_size = transmitted(model, seed=seed), group_size_of(model)

    def fit(self, train: Examples, valid: Examples) -> None:
        from sklearn.decomposition import PCA
        from sklearn.linear_model import RidgeClassifierCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        sent, labels = self._sent(train)
        self.seen = np.asarray(train[1])
        components = min(self.components, *sent.shape)
        self.scale = make_pipeline(PCA(components, random_state=self.seed), StandardScaler()).fit(sent)
        features = self.scale.transform(sent)
        columns = labels.T if self.binary else [labels]
        self.probes: list[Any] = [
            RidgeClassifierCV(np.logspace(0, 4, 5)).fit(features, column) if len(np.unique(column)) > 1 else None
            for column in columns
        ]
        sent, labels = self._sent(valid)
        self.thresholds = best_thresholds(labels, self._scores(sent)) if self.binary else None

    def score(self, test: Examples) -> AttackScore:
        sent, labels = self._sent(test)
        details = {"attack": f"ridge classifier on {self.components} principal components"}
        if self.binary:
            return balanced_score(labels, self._scores(sent) > self.thresholds, self.group_size, details)
        named = self.probes[0].predict(self.scale.transform(sent))
        return naming_score(labels, named, self.seen, self.outputs, self.group_size, details)

    def _scores(self, sent: Array) -> Array:
        features = self.scale.transform(sent)
        return np.stack(
            [np.zeros(len(sent)) if probe is None else probe.decision_function(features) for probe in self.probes], 1
        )

    def _sent(self, examples: Examples) -> tuple[Array, Array]:
        """Transmitted tensors, flattened, with their labels; of very many examples those of a part."""
        x, y = sampled(examples, self.sender.output_shape[1:], seed=self.seed)
        order = arrange(np.zeros(len(y)), self.group_size, random=np.random.default_rng(self.seed))
        step = 32 * self.group_size
        parts = [
            np.asarray(self.sender(np.asarray(x[order[i : i + step]], "float32"), training=False))
            for i in range(0, len(order), step)
        ]
        return np.concatenate([part.reshape(len(part), -1) for part in parts]), np.asarray(y)[order]
