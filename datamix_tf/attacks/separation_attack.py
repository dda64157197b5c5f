"""Attacks on a group's mixtures side by side: separate them, then read what comes out."""

from __future__ import annotations

import keras
import numpy as np

from datamix_tf.attacks.base import Attack, AttackScore
from datamix_tf.attacks.label_attack import LabelAttack
from datamix_tf.attacks.network_attack import AttackTraining
from datamix_tf.attacks.separation import VIEWS, agreement, chance_agreement, separate
from datamix_tf.datamix_model import DataMixModel
from datamix_tf.layers import OrthogonalKeys
from datamix_tf.transmission import copy_of

VALID_GROUPS, TEST_GROUPS = 8, 64


class KeyAttack(Attack):
    """Recovers the keys of groups whose mixtures are known to belong together (threat model `linked`).

    The attacker separates mixtures with FastICA on each of `VIEWS`; which of them counts is chosen on groups that it
    mixes itself. Needs no labels.

    Args:
        model: A `DataMixModel`.
        groups: Most test groups that are attacked.
        seed: Seed of keys and of FastICA.

    Raises:
        ValueError: If the model does not mix groups of at least 2.
    """

    def __init__(self, model, groups=TEST_GROUPS, seed=0):
        if not isinstance(model, DataMixModel) or model.group_size < 2:
            raise ValueError(f"Expected a DataMixModel with groups of at least 2. Received: {model!r}")
        self.model, self.groups, self.seed = model, groups, seed
        self.group_size = model.group_size
        self.pre = copy_of(model.pre)
        self.mean, self.kind, self.tried = None, VIEWS[0], {}

    def fit(self, train, valid):
        features = self._features(train[0][: 64 * self.group_size])
        self.mean = features.mean(0)
        mixed = list(self.mixed(valid[0], VALID_GROUPS, self.seed + 1))
        for kind in VIEWS:
            found = [agreement(separate(mixtures, kind, self.mean, self.seed), key)[0] for _, key, mixtures in mixed]
            self.tried[kind] = float(np.mean(found))
        self.kind = max(self.tried, key=self.tried.get)

    def score(self, test):
        found = [agreement(self.separate(mixtures), key)[0] for _, key, mixtures in self.mixed(test[0], self.groups)]
        chance, spread = chance_agreement(self.group_size)
        details = {**self.details, "groups": len(found), "chance_spread": spread}
        n = len(found) * self.group_size
        return AttackScore(float(np.mean(found)), chance, n, "key_agreement", details, float(np.std(found)))

    def separate(self, mixtures) -> np.ndarray:
        """The estimated inverse of a group's key, `[S_G, S_G]`."""
        return separate(mixtures, self.kind, self.mean, self.seed)

    def mixed(self, x, groups, seed=None):
        """Yields `(index of the first example, key, mixtures)` of consecutive groups of examples."""
        keys = OrthogonalKeys(self.group_size, seed=self.seed if seed is None else seed)
        for start in range(0, min(len(x) // self.group_size, groups) * self.group_size, self.group_size):
            features = self._features(x[start : start + self.group_size])
            key = keras.ops.convert_to_numpy(keys(features))[0]
            yield start, key, np.tensordot(key, features, 1)

    @property
    def details(self):
        return {"attack": f"FastICA on {self.kind}, groups known", "tried": self.tried, "threat_model": "linked"}

    def _features(self, x):
        return keras.ops.convert_to_numpy(self.pre(np.asarray(x, "float32"), training=False))


class SeparatedLabelAttack(Attack):
    """Reads labels from what separation recovers (threat model `linked`).

    A network like M_main is trained on unmixed features of random sign, so that the signs that separation cannot know
    do not matter; it then reads every recovered feature. For the score each input's label is compared with what was
    read from the recovered feature that is matched with it by the true key: that is measuring, the attack does without.

    Args:
        model: A `DataMixModel`.
        outputs: Number of logits.
        binary: As for `LabelAttack`.
        training: An `AttackTraining`.
        callbacks: Keras callbacks for `fit`.
    """

    def __init__(self, model, outputs, binary, training=None, callbacks=()):
        training = training or AttackTraining()
        self.keys = KeyAttack(model, seed=training.seed)
        single = DataMixModel(model.pre, model.main, model.post, group_size=1)
        self.reader = LabelAttack(single, outputs, binary, training, callbacks=callbacks)
        self.binary = binary

    def fit(self, train, valid):
        self.keys.fit(train, valid)
        self.reader.fit(train, valid)

    def score(self, test):
        x, y = test
        read = self.reader.reading_part()
        logits, labels = [], []
        for start, key, mixtures in self.keys.mixed(x, self.keys.groups):
            estimate = self.keys.separate(mixtures)
            _, order = agreement(estimate, key)
            recovered = np.tensordot(estimate, mixtures, 1)[order].astype("float32")
            logits.append(keras.ops.convert_to_numpy(read(recovered, training=False)))
            labels.append(y[start : start + self.keys.group_size])
        score = self.reader.score_of(np.concatenate(logits), np.concatenate(labels))
        score.details.update({**self.keys.details, "curve": score.details["curve"]})
        return score
