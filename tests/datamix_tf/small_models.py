"""Small networks that mix, and what they can learn."""

import keras
import numpy as np

from datamix_tf import DataMixModel, split


def network(inputs=6, linear=False):
    activation = None if linear else "relu"
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            keras.layers.Dense(16, activation="relu", name="first"),
            keras.layers.Dense(16, activation=activation, use_bias=not linear, name="middle"),
            keras.layers.Dense(3, name="last"),
        ]
    )


def private(group_size=4, linear=False, **kwargs):
    return DataMixModel(*split(network(linear=linear), after="first", before="last"), group_size=group_size, **kwargs)


def data(n, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 6)).astype("float32")
    return x, np.abs(x[:, :3]).argmax(1)
