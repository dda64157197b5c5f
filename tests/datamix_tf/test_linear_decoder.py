"""Ridge regression from features to inputs."""

import numpy as np

from datamix_tf.attacks.single.linear_decoder import LinearDecoder


def test_what_is_linear_is_rebuilt_and_noise_is_not():
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 4, 5, 1)) + 3
    features = (x.reshape(120, -1) @ random.normal(size=(20, 60))).reshape(120, 2, 10, 3)
    decoder = LinearDecoder().fit(features[:100], x[:100])
    np.testing.assert_allclose(decoder.decode(features[100:]), x[100:], atol=0.1)
    guessed = LinearDecoder().fit(random.normal(size=(100, 8)), x[:100]).decode(random.normal(size=(20, 8)))
    assert guessed.shape == (20, 4, 5, 1) and np.abs(guessed - x[:100].mean(0)).mean() < 0.5
