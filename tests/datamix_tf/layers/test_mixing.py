import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf.layers import DeMix, Mix, OrthogonalKeys
from tests.datamix_tf.layer_test import run_layer_test
from tests.datamix_tf.layers.strategies import shapes


@settings(max_examples=25)
@given(shape=shapes, group_size=st.integers(1, 12), groups=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_demix_undoes_mix_for_any_rank(shape, group_size, groups, seed):
    x = np.random.default_rng(seed).normal(size=(groups * group_size, *shape)).astype("float32")
    keys = OrthogonalKeys(group_size, seed=seed)(x)
    mixed = Mix()(x, keys)
    assert mixed.shape == x.shape
    assert np.abs(np.asarray(DeMix()(mixed, keys)) - x).max() <= 1e-5 * max(1, np.abs(x).max())


def test_mixture_is_the_papers_sum():
    x = np.random.default_rng(0).normal(size=(6, 2, 3)).astype("float32")
    keys = np.random.default_rng(1).normal(size=(2, 3, 3)).astype("float32")
    expected = np.stack([sum(keys[g, k, i] * x[3 * g + i] for i in range(3)) for g in range(2) for k in range(3)])
    np.testing.assert_allclose(Mix()(x, keys), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=15)
@given(group_size=st.integers(2, 10), seed=st.integers(0, 10**6))
def test_mixing_keeps_norms_and_linear_maps(group_size, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(group_size, 7)).astype("float32")
    weights = rng.normal(size=(7, 5)).astype("float32")
    keys = OrthogonalKeys(group_size, seed=seed)(x)
    mixed = np.asarray(Mix()(x, keys))
    np.testing.assert_allclose(np.linalg.norm(mixed), np.linalg.norm(x), rtol=1e-4)
    np.testing.assert_allclose(DeMix()(mixed @ weights, keys), x @ weights, rtol=1e-3, atol=1e-4)


@settings(max_examples=25)
@given(shape=shapes, group_size=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_demix_takes_a_constant_off_and_puts_it_back(shape, group_size, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * group_size, *shape)).astype("float32")
    constant = rng.normal(size=shape).astype("float32")
    keys = OrthogonalKeys(group_size, seed=seed)(x)
    answers = np.asarray(Mix()(x, keys)) + constant
    for given_as in (constant, constant[None]):
        np.testing.assert_allclose(DeMix()(answers, keys, given_as), x + constant, atol=1e-4)


def test_without_the_constant_it_comes_back_times_the_sums_of_the_keys_columns():
    x, constant = np.zeros((8, 3), "float32"), np.array([1, -2, 3], "float32")
    keys = np.asarray(OrthogonalKeys(4, seed=0)(x))
    returned = np.asarray(DeMix()(np.asarray(Mix()(x, keys)) + constant, keys))
    np.testing.assert_allclose(returned, keys.sum(1).reshape(8, 1) * constant, atol=1e-5)
    assert np.abs(returned - constant).max() > 0.1


def test_demix_layer_contract_with_a_constant():
    run_layer_test(DeMix(), *(np.ones(shape, "float32") for shape in ((6, 4, 4, 2), (2, 3, 3), (1, 4, 4, 2))))


def test_a_wrong_key_does_not_demix():
    x = np.random.default_rng(0).normal(size=(8, 100)).astype("float32")
    right, wrong = (OrthogonalKeys(8, seed=seed)(x) for seed in (0, 1))
    wrongly = np.asarray(DeMix()(Mix()(x, right), wrong))
    assert np.abs(wrongly - x).mean() > 0.5


def test_the_whole_batch_is_not_one_group():
    x = np.eye(6, dtype="float32")
    mixed = np.asarray(Mix()(x, OrthogonalKeys(3, seed=0)(x)))
    assert np.abs(mixed[:3, 3:]).max() == 0 and np.abs(mixed[3:, :3]).max() == 0


def test_works_in_a_graph_of_unknown_sizes():
    image = keras.Input((None, None, 2))
    keys = OrthogonalKeys(4)(image)
    model = keras.Model(image, DeMix()(Mix()(image, keys), keys))
    x = np.random.default_rng(0).normal(size=(8, 5, 3, 2)).astype("float32")
    np.testing.assert_allclose(model.predict(x, batch_size=8, verbose=0), x, atol=1e-5)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (np.zeros((2, 4, 4), "float32"), "fit a batch of 8 rows"),
        (np.zeros((2, 3, 4), "float32"), "one square matrix"),
        (np.zeros((4, 4), "float32"), "one square matrix"),
    ],
)
def test_keys_that_do_not_fit_are_explained(keys, text):
    with pytest.raises(ValueError, match=text):
        Mix()(np.zeros((12, 2), "float32"), keys)


@pytest.mark.parametrize("layer", [Mix(), DeMix()])
def test_mix_layer_contract(layer):
    run_layer_test(layer, np.ones((6, 4, 4, 2), "float32"), np.ones((2, 3, 3), "float32"))


@pytest.mark.parametrize("orthogonal", [True, False])
def test_gradients_through_the_mixing_are_those_of_the_paper(orthogonal):
    """FaceMix, Eq. 7 to 9: dW^C = x^T (A^T A) dy for any A; with an orthogonal A, and no other, it is dW = x^T dy."""
    rng = np.random.default_rng(0)
    x, weights, upstream = (rng.normal(size=shape).astype("float32") for shape in ((8, 20), (20, 5), (8, 5)))
    keys = np.asarray(OrthogonalKeys(8, seed=0)(x)) if orthogonal else rng.normal(size=(1, 8, 8)).astype("float32")
    kernel = tf.Variable(weights)
    with tf.GradientTape() as tape:
        y = DeMix()(tf.matmul(Mix()(x, keys), kernel), keys)
    gradient = tape.gradient(y, kernel, output_gradients=upstream)
    gram = keys[0].T.astype("float64") @ keys[0]
    np.testing.assert_allclose(gradient, x.T @ gram @ upstream, rtol=1e-3, atol=1e-3)  # Eq. 9
    difference = np.abs(gradient - x.T @ upstream).max() / np.abs(x.T @ upstream).max()  # from Eq. 8
    assert difference < 1e-5 if orthogonal else difference > 1
