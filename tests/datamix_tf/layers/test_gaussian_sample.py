import numpy as np

from datamix_tf.layers import GaussianSample
from tests.datamix_tf.layer_test import run_layer_test


def test_the_gaussian_penalty_is_the_divergence():
    layer = GaussianSample(2.0, seed=0)
    z = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    drawn = np.asarray(layer(z, training=True))
    variance = np.exp(-3.0)
    assert np.isclose(float(layer.losses[0]), 2 * 0.5 * np.mean(z**2 + variance - 1 + 3), rtol=1e-4)
    # 60 numbers: the variance of a sample variance is 2 v^2 / n; 5 standard errors.
    assert abs((drawn - z).var() / variance - 1) < 5 * (2 / 60) ** 0.5
    np.testing.assert_array_equal(layer(z), z)
    run_layer_test(GaussianSample(1.0, at_inference=True), z)
