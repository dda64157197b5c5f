import copy
import zipfile

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split
from tests.datamix_tf.small_models import data, network, private


@pytest.mark.parametrize("shuffle", [False, True])
def test_with_a_linear_cloud_mixing_changes_nothing(shuffle):
    model = private(linear=True, shuffle=shuffle)
    x, _ = data(16)
    np.testing.assert_allclose(model(x), model.unmixed()(x), rtol=1e-3, atol=1e-5)


def affine(**kwargs):
    """A model whose cloud is one dense layer with biases."""
    pre, _, post = split(network(), after="first", before="last")
    main = keras.Sequential([keras.Input((16,)), keras.layers.Dense(16, bias_initializer="ones")])
    return DataMixModel(pre, main, post, group_size=4, **kwargs)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_with_an_affine_cloud_mixing_changes_nothing_once_its_constant_is_subtracted(shuffle, training):
    model = affine(shuffle=shuffle, subtract_constant=True)
    x, _ = data(16)
    np.testing.assert_allclose(model(x, training=training), model.unmixed()(x), rtol=1e-3, atol=1e-4)
    model.subtract_constant = False
    assert np.abs(np.asarray(model(x, training=training)) - np.asarray(model.unmixed()(x))).max() > 0.1


def test_the_constant_is_learned_through():
    import tensorflow as tf

    model = affine(subtract_constant=True)
    with tf.GradientTape() as tape:
        constant = tf.reduce_sum(model.zero_answer(np.ones((4, 16), "float32")))
    bias = model.main.layers[-1].bias
    np.testing.assert_array_equal(tape.gradient(constant, bias.value), np.ones(16))


def with_statistics(**kwargs):
    """A model whose cloud normalises batches and drops units."""
    pre, _, post = split(network(), after="first", before="last")
    cloud = [
        keras.layers.Dense(16, bias_initializer="ones"),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dropout(0.5),
    ]
    return DataMixModel(pre, keras.Sequential([keras.Input((16,)), *cloud]), post, group_size=4, **kwargs)


def test_the_constant_leaves_the_statistics_of_batches_alone():
    keras.utils.set_random_seed(0)
    plain, subtracted = with_statistics(seed=1), with_statistics(seed=1, subtract_constant=True)
    subtracted.set_weights(plain.get_weights())
    for model in (plain, subtracted):
        model(data(16)[0], training=True)
    after = [model.main.layers[1].moving_variance.numpy() for model in (plain, subtracted)]
    assert np.abs(after[0] - 1).max() > 1e-3
    np.testing.assert_array_equal(*after)


def test_the_constant_is_what_the_cloud_answers_to_zero():
    model = with_statistics(subtract_constant=True)
    constant = np.asarray(model.zero_answer(np.full((3, 16), 7, "float32")))
    assert constant.shape == (1, 16) and constant.min() > 0.9
    np.testing.assert_array_equal(constant, model.main(np.zeros((1, 16), "float32"), training=False))
    assert with_statistics().zero_answer(np.zeros((1, 16), "float32")) is None


def test_a_model_that_subtracts_the_constant_is_trained_saved_and_loaded(tmp_path):
    model = with_statistics(subtract_constant=True)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
    x, y = data(32)
    model.fit(x, y, batch_size=16, verbose=0)
    assert model.predict(x[:5], verbose=0).shape == (5, 3)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").subtract_constant


def test_a_model_saved_before_there_was_the_choice_subtracts_nothing():
    config = private().get_config()
    del config["subtract_constant"]
    assert not DataMixModel.from_config(config).subtract_constant


def test_with_a_nonlinear_cloud_every_call_has_its_own_key():
    model = private()
    x, _ = data(16)
    assert np.abs(np.asarray(model(x)) - np.asarray(model(x))).max() > 1e-4


def test_learns_through_the_mixing_with_plain_fit():
    model = private(seed=0)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(True), metrics=["accuracy"])
    x, y = data(512)
    history = model.fit(x, y, batch_size=64, epochs=15, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    mixed = model.evaluate(*data(256, 1), batch_size=64, verbose=0, return_dict=True)
    unmixed = model.unmixed().evaluate(*data(256, 1), verbose=0, return_dict=True)
    # 3 balanced classes, 256 examples: chance is 1/3 with a standard error of 0.03; 5 of them above it.
    assert mixed["accuracy"] > 1 / 3 + 5 * 0.03
    assert unmixed["accuracy"] > 1 / 3 + 5 * 0.03


def test_all_three_parts_are_trained():
    model = private()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    model.fit(*data(64), batch_size=32, verbose=0)
    assert len(before) == 6
    assert all(np.abs(new.numpy() - old).max() > 0 for new, old in zip(model.trainable_weights, before, strict=True))


@pytest.mark.parametrize("batch", [6, 10])
def test_a_training_batch_of_broken_groups_is_explained(batch):
    model = private()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    x, y = data(10)
    with pytest.raises(
        ValueError, match=r"^The batch must be a multiple of the group size: expected .*=4, received"
    ) as raised:
        model.fit(x, y, batch_size=batch, verbose=0)
    assert len(str(raised.value)) < 400 and f"{min(batch, 10)} rows" in str(raised.value)


@pytest.mark.parametrize("as_dataset", [False, True])
def test_a_last_batch_of_broken_groups_is_explained(as_dataset):
    import tensorflow as tf

    model = private()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    x, y = data(18)
    given = (tf.data.Dataset.from_tensor_slices((x, y)).batch(8),) if as_dataset else (x, y)
    with pytest.raises(ValueError, match=r"received 2 rows\. Use a batch size .*drop_remainder=True"):
        model.fit(*given, **({} if as_dataset else {"batch_size": 8}), verbose=0)
    with pytest.raises(Exception, match="incompatible"):  # other errors stay what they are
        model.fit(x[:16, :2], y[:16], batch_size=8, verbose=0)


def test_what_is_exported_has_no_keys(tmp_path):
    import tensorflow as tf

    model = private(shuffle=True, seed=7)
    x, _ = data(5)
    model.export(str(tmp_path / "model"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    np.testing.assert_allclose(loaded.serve(x), model.unmixed()(x), rtol=1e-5, atol=1e-6)
    assert len(loaded.variables) == len(model.unmixed().weights)


def test_a_config_is_not_changed_by_what_is_made_of_it():
    model = private()
    config = model.get_config()
    before = copy.deepcopy(config)
    assert type(model).from_config(config).get_config().keys() == before.keys()
    assert config == before
    type(model).from_config(config)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 11])
def test_inference_completes_groups(n):
    model = private(linear=True)
    x, _ = data(n)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.unmixed().predict(x, verbose=0), rtol=1e-3, atol=1e-4)


def test_saves_and_loads(tmp_path):
    model = private(linear=True, shuffle=True)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(True), metrics=["accuracy"])
    x, y = data(32)
    model.fit(x, y, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.group_size, loaded.shuffle) == (4, True)
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-3, atol=1e-4)
    loaded.fit(x, y, batch_size=16, verbose=0)


def test_a_saved_model_holds_no_key_state(tmp_path):
    import h5py

    model = private(seed=1234567)
    model(data(8)[0])
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"1234567" not in archive.read("config.json")
        archive.extract("model.weights.h5", tmp_path)
    found = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    assert found and not [name for name in found if "seed" in name]


def test_a_keras_applications_model_becomes_private_in_five_lines():
    x, y = np.random.default_rng(0).normal(size=(16, 96, 96, 3)).astype("float32"), np.arange(16) % 10

    model = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), classes=10)
    pre, main, post = split(model, after="block_2_add", before="predictions")
    private = DataMixModel(pre, main, post, group_size=8)
    private.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    private.fit(x, y, batch_size=16, verbose=0)

    assert private.predict(x[:3], verbose=0).shape == (3, 10)
    assert np.isfinite(private.evaluate(x, y, verbose=0)[0])


def test_without_mixed_groups_training_keys_are_the_identity_but_evaluation_mixes():
    model = private()
    x, _ = data(8)
    model.mixed_share.assign(0.0)
    np.testing.assert_allclose(model(x, training=True), model.unmixed()(x), rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(model(x)) - np.asarray(model.unmixed()(x))).max() > 1e-4
