import numpy as np
import pytest

from datamix_tf.layers import FeatureMask, GaussianMechanism, LearnedNoise, Sent
from tests.datamix_tf.layer_test import run_layer_test


def test_baselines_are_layers():
    z = np.random.default_rng(0).normal(size=(200, 4, 6)).astype("float32")
    np.testing.assert_array_equal(run_layer_test(Sent(), z), z)
    np.testing.assert_array_equal(run_layer_test(FeatureMask(6), z), z)
    clipped = np.asarray(run_layer_test(GaussianMechanism(2.0, 0.0), z))
    assert np.linalg.norm(clipped.reshape(200, -1), axis=1).max() <= 2 + 1e-4
    noise = np.asarray(GaussianMechanism(2.0, 1.5, seed=0)(z)) - clipped
    assert abs(noise.std() / 3 - 1) < 5 * (0.5 / noise.size) ** 0.5
    learned = LearnedNoise(scale=2.0, seed=0)
    laplace = np.asarray(learned(z)) - z
    assert len(learned.trainable_weights) == 2
    # Laplace noise of scale b: mean absolute value b, with variance b^2; 5 standard errors.
    assert abs(np.abs(laplace).mean() - 2) < 5 * 2 / laplace.size**0.5
    run_layer_test(LearnedNoise(), z)
    for make in (lambda: GaussianMechanism(0, 1), lambda: GaussianMechanism(1, -1)):
        with pytest.raises(ValueError, match="norm"):
            make()
