"""Ridge regression from features to inputs."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from datamix_tf.attacks.single.linear_decoder import STRENGTHS, LinearDecoder


def test_what_is_linear_is_rebuilt_and_noise_is_not():
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 4, 5, 1)) + 3
    features = (x.reshape(120, -1) @ random.normal(size=(20, 60))).reshape(120, 2, 10, 3)
    decoder = LinearDecoder().fit(features[:100], x[:100])
    np.testing.assert_allclose(decoder.decode(features[100:]), x[100:], atol=0.1)
    guessed = LinearDecoder().fit(random.normal(size=(100, 8)), x[:100]).decode(random.normal(size=(20, 8)))
    assert guessed.shape == (20, 4, 5, 1) and np.abs(guessed - x[:100].mean(0)).mean() < 0.5


@pytest.mark.parametrize("numbers", [20, 300])
@pytest.mark.parametrize("noise", [1, 30])
def test_the_penalty_is_that_of_scikit_learn(numbers, noise):
    """With more numbers than examples, too, where all weak penalties fit the examples that are there."""
    random = np.random.default_rng(0)
    features = random.normal(size=(150, numbers)) * np.linspace(3, 0.1, numbers) + 2
    x = features @ random.normal(size=(numbers, 12)) + noise * random.normal(size=(150, 12)) + 5
    strength = np.square(features[:100] - features[:100].mean(0)).sum() / 100
    expected = RidgeCV(strength * np.array(STRENGTHS)).fit(features[:100], x[:100])
    decoder = LinearDecoder().fit(features[:100], x[:100])
    np.testing.assert_allclose(decoder.decode(features[100:]), expected.predict(features[100:]), atol=1e-3)
