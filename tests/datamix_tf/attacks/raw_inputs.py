"""Models that send their raw inputs, and inputs that attacks can tell apart and that they cannot."""

import keras
import numpy as np

from datamix_tf import DataMixModel, split
from datamix_tf.attacks import SeparatorTraining

FEW = SeparatorTraining(steps=300, groups=8, restarts=4, ascent_steps=40)


def model_of(shape, group_size=4):
    """A model that sends its raw inputs."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    x = keras.layers.Activation("linear", name="first")(inputs)
    x = keras.layers.Dense(6, name="main")(keras.layers.Flatten()(x))
    whole = keras.Model(inputs, keras.layers.Dense(3, name="last")(x))
    return DataMixModel(*split(whole, after="first", before="last"), group_size=group_size, seed=0)


def spots(n, seed):
    """Maps with a loud spot somewhere: sparse, and louder in places of their own."""
    rng = np.random.default_rng(seed)
    x = 0.1 * rng.normal(size=(n, 8, 8, 2))
    for row in x:
        i, j = rng.integers(0, 6, 2)
        row[i : i + 3, j : j + 3] += rng.normal(size=(3, 3, 2)) * 2
    return x.astype("float32"), rng.integers(0, 3, n)


def noise(n, seed):
    """White Gaussian vectors: rotating them changes nothing that can be seen."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 48)).astype("float32"), rng.integers(0, 3, n)


def data(draw):
    return draw(400, 1), draw(100, 2), draw(160, 3)


def attacked(attack, draw):
    train, valid, test = data(draw)
    attack.fit(train, valid)
    return attack.score(test)
