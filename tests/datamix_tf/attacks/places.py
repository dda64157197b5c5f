"""Points around four places, networks that tell three classes of them, and the attack that names the place."""

import keras
import numpy as np

from datamix_tf import DataMixModel, split
from datamix_tf.attacks import AttackTraining, LabelAttack

TRAINING = AttackTraining(epochs=8, batch_size=32, learning_rates=(0.01,))


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, activation="relu", name="first"),
            keras.layers.Dense(16, activation="relu", name="middle"),
            keras.layers.Dense(3, name="last"),
        ]
    )


def private(group_size):
    return DataMixModel(*split(network(), after="first", before="last"), group_size=group_size, seed=0)


def people(n, seed):
    """Points around four places; the label is the place."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    return 3 * np.eye(8, dtype="float32")[labels] + rng.normal(size=(n, 8)).astype("float32"), labels


def run(model, **kwargs):
    attack = LabelAttack(model, 4, binary=False, training=TRAINING, **kwargs)
    attack.fit(people(1024, 1), people(256, 2))
    return attack.score(people(512, 3))
