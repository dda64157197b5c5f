"""A model that mixes pictures of a square in one of four corners."""

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split


@pytest.fixture(scope="module")
def private():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = keras.layers.Conv2D(8, 3, strides=4, activation="relu", name="main")(x)
    y = keras.layers.Flatten(name="flat")(y)
    model = keras.Model(inputs, keras.layers.Dense(4, name="last")(y))
    return DataMixModel(*split(model, after="first", before="last"), group_size=4, seed=0)


def pictures(n, seed):
    """A bright square in one of four corners of noise; the corner is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    x = 0.2 * rng.laplace(size=(n, 16, 16, 1)).astype("float32")
    for index, label in enumerate(labels):
        row, column = 8 * (label // 2) + rng.integers(0, 4), 8 * (label % 2) + rng.integers(0, 4)
        x[index, row : row + 4, column : column + 4] += 2
    return x, labels
