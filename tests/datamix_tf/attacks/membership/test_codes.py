import keras
import numpy as np

from datamix_tf import DataMixModel
from datamix_tf.attacks.membership.codes import COMPONENTS, PER_COMPONENT, WhiteCodes
from datamix_tf.layers import GaussianBottleneck
from tests.datamix_tf.attacks.raw_inputs import model_of, spots


def test_codes_of_inputs_have_the_second_moment_of_noise():
    """Correlated numbers of unequal size with a mean: all of that is gone, and products are those of C^-1."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(2000, 5)) @ random.normal(size=(5, 5)) + 3).astype("float32")
    white = WhiteCodes(model_of((5,)))
    white.fit(x)
    codes = white.of(x)
    np.testing.assert_allclose(codes.T @ codes / len(x), np.eye(5), atol=1e-4)
    inverse = np.linalg.inv(x.T.astype(np.float64) @ x / len(x))
    np.testing.assert_allclose(codes[:3] @ codes[:3].T, x[:3] @ inverse @ x[:3].T, rtol=1e-3, atol=1e-3)
    assert not white.noise.any() and (white.sent(codes, random) == codes).all()


def test_maps_keep_the_components_that_the_attacker_s_inputs_can_tell():
    white = WhiteCodes(model_of((8, 8, 2)))
    for count in (64, 600):  # fewer and more inputs than the 128 numbers
        x = spots(count, 0)[0]
        white.fit(x)
        codes = white.of(x)
        assert codes.shape == (count, min(count // PER_COMPONENT, 128, COMPONENTS))
        np.testing.assert_allclose(codes.T @ codes / count, np.eye(codes.shape[1]), atol=1e-4)


def test_the_edge_s_noise_is_left_out_of_candidates_and_part_of_what_is_sent():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    pre = keras.Model(inputs, GaussianBottleneck(4, 4.0, seed=0)(inputs))
    main, post = (keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)]) for _ in range(2))
    random = np.random.default_rng(0)
    x = random.normal(size=(4000, 6)).astype("float32")
    pre(x, training=True)
    white = WhiteCodes(DataMixModel(pre, main, post, group_size=2, seed=0))
    white.fit(x)
    codes = white.of(x)
    assert (codes == white.of(x)).all()
    sent = white.sent(codes, random)
    errors = np.sqrt(2 / len(x))  # of a variance of 1
    assert np.abs(sent.T @ sent / len(x) - np.eye(4)).max() < 5 * errors
    assert np.abs((sent - codes).var(0) / white.noise - 1).max() < 5 * errors
    features = white.drawn.features(x).astype(np.float64) @ white.basis  # as the edge sends them
    assert np.abs(features.T @ features / len(x) - np.eye(4)).max() < 6 * errors
