"""The Gaussian bottleneck: what it sends looks like noise, says what it says it says, and mixes first."""

import keras
import numpy as np
import pytest

from datamix_tf.layers import GaussianBottleneck, without_noise
from tests.datamix_tf.layer_test import run_layer_test


def trained_layer(x, **settings):
    """A bottleneck behind an input, its statistics those of `x`."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, GaussianBottleneck(momentum=0.0, seed=0, **settings)(inputs))
    model(x, training=True)
    return model


@pytest.fixture(scope="module")
def inputs():
    return np.random.default_rng(0).normal(3, 2, size=(4000, 4, 5)).astype("float32")


@pytest.mark.parametrize(("units", "bits"), [(8, 4.0), (6, 30.0)])
def test_what_is_sent_has_mean_0_and_variance_1_and_says_so_many_bits(inputs, units, bits):
    model = trained_layer(inputs, units=units, bits=bits)
    sent, layer = np.asarray(model(inputs)), model.layers[-1]
    assert sent.shape == (4000, units)
    np.testing.assert_allclose(sent.mean(0), 0, atol=5 / 4000**0.5)
    np.testing.assert_allclose(sent.var(0), 1, atol=5 * (2 / 4000) ** 0.5)
    quiet, deviation = without_noise(model)
    means = np.asarray(quiet(inputs))
    divergence = 0.5 * (means**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum(1) / np.log(2)
    assert np.isclose(divergence.mean(), bits, rtol=1e-2) and layer.stddev == deviation


def test_noise_is_added_at_inference_too_and_can_be_added_after_mixing(inputs):
    model = trained_layer(inputs, units=8, bits=16.0)
    first, second = (np.asarray(model(inputs)) for _ in range(2))
    quiet, deviation = without_noise(model)
    np.testing.assert_array_equal(np.asarray(quiet(inputs)), np.asarray(quiet(inputs)))
    assert np.isclose((first - second).std(), 2**0.5 * deviation, rtol=0.03)
    noise = first - np.asarray(quiet(inputs))
    key = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    mixed = np.matmul(key, noise.reshape(500, 8, 8)).reshape(4000, 8)
    for part in (noise, mixed):
        np.testing.assert_allclose(np.cov(part.T), deviation**2 * np.eye(8), atol=5 * deviation**2 * (2 / 4000) ** 0.5)


def test_codes_that_are_too_long_are_shortened_noise_included(inputs):
    clipped = trained_layer(inputs, units=8, bits=16.0, clipped=True)
    second = np.asarray(clipped(inputs))
    lengths = np.linalg.norm(second, axis=1)
    # Of N(0, I) in 8 dimensions 43 % are longer than sqrt(8).
    assert lengths.max() <= 8**0.5 + 1e-4 and np.isclose((lengths > 8**0.5 - 1e-4).mean(), 0.43, atol=0.05)
    quiet, _ = without_noise(clipped)
    assert np.linalg.norm(np.asarray(quiet(inputs)), axis=1).max() > 8**0.5  # whoever adds the noise shortens


def test_the_penalty_is_of_correlations_alone(inputs):
    model = trained_layer(inputs, units=8, bits=16.0, decorrelation=1.0)
    kernel = np.zeros((20, 8), "float32")
    kernel[0] = 1  # eight times the same number
    model.layers[-1].kernel.assign(kernel)
    model(inputs, training=True)
    assert np.isclose(float(model.losses[0]), 56 / 64, rtol=1e-3)
    model.layers[-1].kernel.assign(np.eye(20, 8))  # eight independent ones
    model(inputs, training=True)
    assert float(model.losses[0]) < 5 / 4000


def test_a_layer_like_any_other(inputs):
    assert run_layer_test(GaussianBottleneck(8, 16.0, seed=0), inputs[:6]).shape == (6, 8)


@pytest.mark.parametrize("settings", [{"units": 0, "bits": 1.0}, {"units": 4, "bits": 0.0}])
def test_wrong_sizes_are_refused(settings):
    with pytest.raises(ValueError, match="units of at least 1 and bits above 0"):
        GaussianBottleneck(**settings)


def test_only_a_last_layer_can_be_made_quiet(inputs):
    first = keras.Input((4, 5))
    ends = keras.layers.Dense(3)(GaussianBottleneck(4, 4.0)(first))
    with pytest.raises(ValueError, match="as the last layer"):
        without_noise(keras.Model(first, ends))
    plain = keras.Model(first, keras.layers.Flatten()(first))
    assert without_noise(plain) == (plain, 0.0)
