"""The bound by Fisher information, against linear codes, for which everything is known."""

import keras
import numpy as np
import pytest

from datamix_tf.fisher import fisher_leakage, least_error
from datamix_tf.layers import GaussianBottleneck


def encoder(bits=12.0, numbers=8, units=4, **more):
    keras.utils.set_random_seed(0)
    layer = GaussianBottleneck(units, bits, **more)
    inputs = keras.Input((numbers,))
    model = keras.Model(inputs, layer(inputs))
    return model, layer


def test_a_linear_code_s_leakage_is_that_of_its_matrix():
    model, layer = encoder()
    x = 3 * np.random.default_rng(0).normal(size=(5, 8)).astype("float32")
    matrix = np.sqrt(1 - layer.stddev**2) * np.asarray(layer.kernel) / np.sqrt(1 + 1e-5)
    expected = np.square(matrix).sum() / 8 / layer.stddev**2 * np.var(x)
    np.testing.assert_allclose(fisher_leakage(model, x), np.full(5, expected), rtol=1e-5)


def test_the_best_estimate_of_gaussian_inputs_is_no_better_than_the_bound():
    model, layer = encoder()
    random = np.random.default_rng(1)
    x = random.normal(size=(4000, 8)).astype("float32")
    codes = np.asarray(model(x, training=False), np.float64)
    matrix = np.sqrt(1 - layer.stddev**2) * np.asarray(layer.kernel, np.float64)
    # x ~ N(0, I) given e = x W + noise: the posterior mean, which no estimate beats.
    best = codes @ np.linalg.solve(matrix.T @ matrix + layer.stddev**2 * np.eye(4), matrix.T)
    error = np.square(best - x).mean() / np.var(x)
    bound = least_error(fisher_leakage(model, x[:100]))
    assert bound <= error <= 1


def test_fewer_bits_leak_less_and_clipping_changes_nothing():
    x = np.random.default_rng(2).normal(size=(4, 8)).astype("float32")
    few, many = (fisher_leakage(encoder(bits)[0], x) for bits in (4.0, 12.0))
    assert (few < many).all()
    np.testing.assert_array_equal(fisher_leakage(encoder(clipped=True)[0], x), many)


def test_a_code_without_noise_has_no_bound():
    with pytest.raises(ValueError, match="with noise"):
        fisher_leakage(encoder(noisy=False)[0], np.ones((2, 8), "float32"))
