import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf.layers import ConvexKeys
from datamix_tf.mixup_model import MixupModel
from datamix_tf.transmission import cloud_body, transmitted
from tests.datamix_tf.layer_test import run_layer_test


def model(binary=True, main=None):
    pre = keras.Sequential([keras.Input((4,)), keras.layers.Normalization(mean=np.zeros(4), variance=np.ones(4))])
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="relu")(inputs)
    main = main or keras.Model(inputs, keras.layers.Dense(3)(hidden))
    return MixupModel(keras.Model(pre.inputs[0], pre.outputs[0]), main, binary, seed=0)


def test_keys_are_a_keras_layer():
    assert run_layer_test(ConvexKeys(low=0.6, high=0.8), np.zeros((4, 3), "float32")).shape == (2, 2, 2)


@settings(max_examples=20, deadline=None)
@given(pairs=st.integers(1, 20), seed=st.integers(0, 1000))
def test_rows_are_convex_and_the_input_in_front_dominates(pairs, seed):
    keys = np.asarray(ConvexKeys(seed=seed)(np.zeros((2 * pairs, 3), "float32")))
    np.testing.assert_allclose(keys.sum(-1), 1, rtol=1e-6)
    assert (keys >= 0).all() and (keys[:, 0, 0] > 0.5).all() and (keys[:, 1, 1] > 0.5).all()
    assert (np.linalg.det(keys.astype("float64")) > 0.09).all()


def test_what_is_linear_in_probabilities_is_solved_exactly():
    """A constant classifier is the same for mixtures."""
    inputs = keras.Input((4,))
    constant = keras.layers.Dense(
        3, kernel_initializer="zeros", bias_initializer=lambda *_, **__: np.array([1.0, 0, -2])
    )
    private = model(main=keras.Model(inputs, constant(inputs)))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_allclose(private(x), np.tile([1.0, 0, -2], (5, 1)), atol=1e-4)
    np.testing.assert_allclose(private.unmixed()(x), np.tile([1.0, 0, -2], (5, 1)), atol=1e-6)


def test_training_takes_inputs_as_they_come():
    private = model()
    x = np.ones((3, 4), "float32")
    np.testing.assert_allclose(private(x, training=True), private.main(x), atol=1e-6)


def test_the_cloud_sees_pairs_mixed():
    private = model()
    x = np.eye(4, dtype="float32")
    sent = np.asarray(transmitted(private, seed=1)(x))
    np.testing.assert_allclose(sent.sum(1), 1, atol=1e-6)
    assert (sent[:2, 2:] == 0).all() and (sent[:2, :2] > 0).all()
    assert cloud_body(private)(sent).shape == (4, 5)


def test_it_saves_and_loads(tmp_path):
    private = model(binary=False)
    private.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.ones((2, 4), "float32")
    np.testing.assert_allclose(loaded.unmixed()(x), private.unmixed()(x), atol=1e-6)
    assert loaded.binary is False


@pytest.mark.parametrize("arguments", [{"low": 0.5}, {"low": 0.9, "high": 0.8}, {"high": 1.1}])
def test_wrong_shares(arguments):
    with pytest.raises(ValueError, match=r"0.5 < low <= high <= 1"):
        ConvexKeys(**arguments)
