"""How much of a cloud is linear: clouds of which it is known."""

import keras
import numpy as np
import pytest
from keras import ops

from datamix_tf import DataMixModel
from datamix_tf.linear_share import linear_share


class Odd(keras.layers.Layer):
    """`x + weight (x^3 - 3 x)`: for x ~ N(0, 1) the second term has variance 6 weight^2 and no linear part."""

    def __init__(self, weight, bias=0.0):
        super().__init__()
        self.weight, self.bias = weight, bias

    def call(self, x):
        return x + self.weight * (x**3 - 3 * x) + self.bias


def model(layer, size=64):
    def identity():
        inputs = keras.Input((32,))
        return keras.Model(inputs, keras.layers.Identity()(inputs))

    inputs = keras.Input((32,))
    return DataMixModel(identity(), keras.Model(inputs, layer(inputs)), identity(), group_size=size)


X = np.random.default_rng(0).normal(size=(512, 32)).astype("float32")


@pytest.mark.parametrize("bias", [0.0, 5.0])
def test_a_linear_cloud_has_all(bias):
    assert linear_share(model(Odd(0.0, bias)), X) == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("weight", [0.2, 1.0])
def test_a_share_that_is_known(weight):
    # 512 x 32 answers with 8 keys each: the standard error of the share is below 0.01.
    assert linear_share(model(Odd(weight)), X) == pytest.approx(1 / (1 + 6 * weight**2), abs=0.04)


def test_a_cloud_without_a_linear_part_has_none():
    assert abs(linear_share(model(keras.layers.Lambda(ops.square)), X)) < 0.06


def test_fewer_inputs_than_a_group_are_refused():
    with pytest.raises(ValueError, match="at least 64 inputs"):
        linear_share(model(Odd(0.0)), X[:10])
