"""A linear path beside M_main: what mixing passes unchanged."""

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split
from datamix_tf.linear_path import linear_map, with_linear_path
from datamix_tf.models.resnet import post_layer, pre_layer, resnet18


@pytest.fixture(scope="module")
def parts():
    network = resnet18((16, 16, 3), 2, width=4)
    return split(network, pre_layer(1), post_layer(network))


def test_the_path_is_added_to_the_same_network(parts):
    _, main, _ = parts
    with_path = with_linear_path(main)
    x = np.random.default_rng(0).normal(size=(4, *main.input_shape[1:])).astype("float32")
    added = np.asarray(with_path(x, training=False)) - np.asarray(main(x, training=False))
    kernel = np.asarray(with_path.get_layer("linear_path").kernel)
    half = main.input_shape[1] // 2
    pooled = x.reshape(4, half, 2, half, 2, -1).mean((2, 4)).reshape(4, -1)
    np.testing.assert_allclose(added, pooled @ kernel, atol=1e-5)
    assert with_path.input_shape == main.input_shape and with_path.output_shape == main.output_shape
    assert kernel.shape == (half * half * main.input_shape[-1], main.output_shape[-1])


def test_a_linear_cloud_is_exact_through_any_key(parts):
    pre, main, post = parts
    private = DataMixModel(pre, linear_map(main.input_shape[1:], main.output_shape[1:]), post, group_size=8)
    x = np.random.default_rng(1).normal(size=(16, 16, 16, 3)).astype("float32")
    plain = private.unmixed()(x, training=False)
    np.testing.assert_allclose(np.asarray(private(x, training=False)), np.asarray(plain), atol=1e-4)


@pytest.mark.parametrize(("pool", "vectors"), [(1, False), (4, False), (2, True)])
def test_pooling_of_maps_alone(pool, vectors):
    shape = (6,) if vectors else (8, 8, 3)
    model = linear_map(shape, (5, 2), pool)
    assert model.output_shape == (None, 5, 2)
    assert model.get_layer("linear_path").kernel.shape[0] == (6 if vectors else 192 // pool**2)


@pytest.mark.parametrize("pool", [0, 9])
def test_a_pool_that_does_not_fit_is_refused(pool):
    with pytest.raises(ValueError, match=f"from 1 to the smallest side.*Received: {pool}"):
        linear_map((8, 8, 3), (5,), pool)


def test_a_model_with_a_path_is_saved_and_loaded(parts, tmp_path):
    pre, main, post = parts
    private = DataMixModel(pre, with_linear_path(main), post, group_size=4)
    private.save(tmp_path / "private.keras")
    loaded = keras.saving.load_model(tmp_path / "private.keras", compile=False)
    x = np.random.default_rng(2).normal(size=(8, 16, 16, 3)).astype("float32")
    first, second = (np.asarray(model.unmixed()(x, training=False)) for model in (private, loaded))
    np.testing.assert_allclose(first, second, atol=1e-6)
