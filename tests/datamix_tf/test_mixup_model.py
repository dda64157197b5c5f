import keras
import numpy as np

from datamix_tf.mixup_model import MixupModel
from datamix_tf.transmission import cloud_body, transmitted


def model(binary=True, main=None):
    pre = keras.Sequential([keras.Input((4,)), keras.layers.Normalization(mean=np.zeros(4), variance=np.ones(4))])
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="relu")(inputs)
    main = main or keras.Model(inputs, keras.layers.Dense(3)(hidden))
    return MixupModel(keras.Model(pre.inputs[0], pre.outputs[0]), main, binary, seed=0)


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
