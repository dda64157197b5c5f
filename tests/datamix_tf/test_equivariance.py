"""What docs/concepts/mixing.md says of maps that commute with keys, statement by statement, in float64."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datamix_tf.layers.keys import haar_orthogonal
from tests.conftest import REPOSITORY
from tests.datamix_tf.layers.strategies import seeds

sizes = st.integers(2, 9)
widths = st.integers(1, 6)
EXACT = 1e-9


def keys(count, size, seed):
    return np.asarray(haar_orthogonal(count, size, seed=seed % 2**31, dtype="float64"))


def group(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def demixed(function, x, key, constant=0.0):
    """`A' (F(A X) - 1 c) + 1 c`."""
    return key.T @ (function(key @ x) - constant) + constant


def error(function, x, key, constant=0.0):
    return np.abs(demixed(function, x, key, constant) - function(x)).max()


def affine(seed, inputs, outputs=4):
    weights, bias = group(seed + 1, inputs, outputs), group(seed + 2, outputs)
    return lambda z: z @ weights + bias


def relu_network(seed, inputs, outputs=4):
    """Without biases in front of the ReLU, so that zero, in the middle of all mixtures, is where it bends."""
    first, second = group(seed + 3, inputs, 8), affine(seed, 8, outputs)
    return lambda z: second(np.maximum(z @ first, 0))


def zero_answer(function, inputs):
    return function(np.zeros((1, inputs)))


# Row by row (theorem 1)


@settings(max_examples=30)
@given(n=sizes, d=widths, seed=seeds)
def test_linear_maps_are_exact(n, d, seed):
    weights = group(seed + 1, d, 4)
    assert error(lambda z: z @ weights, group(seed, n, d), keys(1, n, seed)[0]) < EXACT


@settings(max_examples=30)
@given(n=sizes, d=widths, seed=seeds)
def test_a_relu_network_is_not_exact(n, d, seed):
    function, x = relu_network(seed, d), group(seed, n, d)
    worst = max(error(function, x, key, zero_answer(function, d)) for key in keys(8, n, seed))
    assert worst > 1e-2 * np.abs(x).max()


@pytest.mark.parametrize("function", [np.tanh, np.sin, lambda z: z**3, lambda z: z * np.abs(z)])
def test_odd_functions_are_exact_for_signs_but_not_for_rotations(function):
    x = group(0, 4, 3)
    assert error(function, x, np.diag([1.0, -1, -1, 1])) < EXACT
    assert max(error(function, x, key) for key in keys(8, 4, 0)) > 1e-2


@pytest.mark.parametrize("function", [np.exp, np.abs, lambda z: z**2])
def test_every_function_is_exact_for_permutations(function):
    assert error(function, group(0, 4, 3), np.eye(4)[[2, 0, 3, 1]]) < EXACT


def test_features_without_negative_numbers_force_linearity_too():
    """|z| is linear on the features themselves, not on their mixtures; with the linear part alone it is exact."""
    x = np.abs(group(0, 4, 3))
    assert max(error(np.abs, x, key) for key in keys(8, 4, 0)) > 1e-2
    assert max(error(lambda z: z, x, key) for key in keys(8, 4, 0)) < EXACT


# The constant term (theorem 2)


@settings(max_examples=30)
@given(n=sizes, d=widths, seed=seeds)
def test_affine_maps_are_exact_with_the_constant_and_not_without(n, d, seed):
    function, x, key = affine(seed, d), group(seed, n, d), keys(1, n, seed)[0]
    bias = zero_answer(function, d)
    assert error(function, x, key, bias) < EXACT
    wrong = demixed(function, x, key) - function(x)
    np.testing.assert_allclose(wrong, (key.sum(0)[:, None] - 1) * bias, atol=EXACT)
    assume(np.abs(key.sum(0) - 1).max() > 1e-3)
    assert np.abs(wrong).max() > 1e-6


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_bias_comes_back_with_mean_zero_and_variance_one(n):
    drawn = keys(20_000, n, n)
    factors = drawn.sum(1)
    np.testing.assert_allclose((factors**2).sum(1), n, rtol=1e-9)  # on the sphere of radius sqrt(n)
    # 5 standard errors; a squared factor has a variance of at most 2 (that of a normal number).
    assert np.abs(factors.mean(0)).max() < 5 / np.sqrt(20_000)
    assert np.abs((factors**2).mean(0) - 1).max() < 5 * np.sqrt(2 / 20_000)
    assert np.abs(((factors - 1) ** 2).mean(0) - 2).max() < 5 * np.sqrt(6 / 20_000)


# A cloud that sees the whole group (theorem 3)


def matrix_function(gram, power):
    values, vectors = np.linalg.eigh(gram)
    return vectors @ np.diag((values.clip(0) + 1) ** power) @ vectors.T


@settings(max_examples=30)
@given(n=sizes, d=widths, seed=seeds, power=st.sampled_from([-0.5, 0.5, 1.0, 2.0]))
def test_the_form_with_the_gram_matrix_commutes_and_is_not_linear(n, d, seed, power):
    weights = group(seed + 1, d, 3)
    function = lambda z: z @ matrix_function(z.T @ z, power) @ weights  # noqa: E731
    x, key = group(seed, n, d), keys(1, n, seed)[0]
    scale = np.abs(function(x)).max()
    assert error(function, x, key) < EXACT * max(1, scale)
    np.testing.assert_allclose(function(-x), -function(x), atol=EXACT * max(1, scale))
    assert np.abs(function(2 * x) - 2 * function(x)).max() > 1e-6 * scale


def commuting(z):
    """A map that commutes, written without its Gram matrix: it clips the group's singular values."""
    left, values, right = np.linalg.svd(z, full_matrices=False)
    return left @ np.diag(np.minimum(values, 1)) @ right


@pytest.mark.parametrize(("n", "d", "rank"), [(6, 3, 3), (3, 6, 3), (6, 4, 2), (4, 4, 4)])
def test_a_commuting_map_has_this_form_whatever_the_rank(n, d, rank):
    z = group(0, n, rank) @ group(1, rank, d)
    (key,) = keys(1, n, 2)
    assert error(commuting, z, key) < EXACT
    inverse = np.linalg.pinv(z)
    h = inverse @ commuting(z)
    np.testing.assert_allclose(z @ h, commuting(z), atol=EXACT)  # step 1
    np.testing.assert_allclose(np.linalg.pinv(key @ z) @ commuting(key @ z), h, atol=EXACT)  # step 2


def test_a_map_that_does_not_commute_has_not_this_form():
    z = group(0, 6, 3)
    (key,) = keys(1, 6, 2)
    inverse = np.linalg.pinv(z)
    assert np.abs(z @ inverse @ np.abs(z) - np.abs(z)).max() > 0.1  # step 1
    assert np.abs(np.linalg.pinv(key @ z) @ np.abs(key @ z) - inverse @ np.abs(z)).max() > 0.1  # step 2


def test_the_same_gram_matrix_means_the_same_group_up_to_a_key():
    z = group(0, 6, 2) @ group(1, 2, 4)
    y = keys(1, 6, 3)[0] @ z
    left, _, right = np.linalg.svd(y @ z.T)  # Procrustes: the best key from one to the other, by the groups alone
    np.testing.assert_allclose(left @ right @ z, y, atol=EXACT)
    other = group(2, 6, 4)
    left, _, right = np.linalg.svd(other @ z.T)
    assert np.abs(left @ right @ z - other).max() > 0.1


@pytest.mark.parametrize("n", [2, 4])
def test_the_mean_over_keys_of_a_linear_map_acts_on_every_row_alike(n):
    """Of any linear map of whole groups, what commutes is `Z W`."""
    d = 3
    anything = group(0, n * d, n * d)
    linear = lambda z: (z.reshape(-1) @ anything).reshape(n, d)  # noqa: E731
    x = group(1, n, d)
    blocks = anything.reshape(n, d, n, d)
    weights = sum(blocks[i, :, i] for i in range(n)) / n
    drawn = np.stack([demixed(linear, x, key) for key in keys(20_000, n, n)])
    standard_error = drawn.std(0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(0) - x @ weights) < 5 * standard_error).all()
    assert np.abs(linear(x) - x @ weights).max() > 20 * standard_error.max()
    assert error(lambda z: z @ weights, x, keys(1, n, 5)[0]) < EXACT


def test_the_gram_matrix_is_free_of_the_key_and_links_mixtures():
    mine, others = group(0, 4, 9), group(1, 4, 9)
    mixtures, strangers = (key @ rows for key, rows in zip(keys(2, 4, 0), (mine, others), strict=True))
    gram = mixtures.T @ mixtures
    np.testing.assert_allclose(gram, mine.T @ mine, atol=EXACT)
    outside = np.eye(9) - np.linalg.pinv(gram, hermitian=True) @ gram
    assert np.abs(mixtures @ outside).max() < 1e-8
    assert np.linalg.norm(strangers @ outside, axis=1).min() > 0.5


# What is not linear, on average

DRAWS = 20_000


def drawn_answers(function, x, constant=0.0):
    drawn = keys(DRAWS, len(x), 7)
    mixtures = drawn @ x
    return mixtures, drawn.swapaxes(1, 2) @ (function(mixtures) - constant)


def test_the_mean_over_keys_commutes():
    x, (key,) = group(0, 4, 2), keys(1, 4, 9)
    function = lambda z: np.maximum(z @ np.array([[1.0, -2], [0.5, 1]]), 0) ** 2  # noqa: E731
    here, there = (drawn_answers(function, rows)[1] for rows in (x, key @ x))
    standard_errors = (here.std(0) + np.abs(key) @ here.std(0) + there.std(0)) / np.sqrt(DRAWS)
    assert (np.abs(there.mean(0) - key @ here.mean(0)) < 5 * standard_errors).all()
    assert np.abs(here.mean(0)).max() > 20 * standard_errors.max()


def test_of_a_relu_half_the_energy_is_noise_with_mean_zero():
    x = group(0, 4, 3)
    mixtures, relu = drawn_answers(lambda z: np.maximum(z, 0), x)
    _, even = drawn_answers(lambda z: np.abs(z) / 2, x)
    np.testing.assert_allclose(relu - even, np.broadcast_to(x / 2, relu.shape), atol=EXACT)  # its odd part is linear
    assert (np.abs(even.mean(0)) < 5 * even.std(0) / np.sqrt(DRAWS)).all()
    np.testing.assert_allclose((even**2).mean((0, 1)), (mixtures**2).mean((0, 1)) / 4, rtol=1e-9)  # its energy stays
    np.testing.assert_allclose((even**2).mean() / (relu**2).mean(), 0.5, atol=0.02)


def test_the_mean_answer_is_the_constant_that_leaves_the_least_noise():
    x = group(0, 8, 1)
    x *= np.sqrt(8) / np.linalg.norm(x)  # mixtures with variance 1
    mixtures, none = drawn_answers(lambda z: np.abs(z) / 2, x)
    mean = (np.abs(mixtures) / 2).mean()
    left = {c: (drawn_answers(lambda z: np.abs(z) / 2, x, c)[1] ** 2).mean() for c in (0.0, mean / 2, mean, 2 * mean)}
    assert min(left, key=left.get) == mean
    np.testing.assert_allclose(left[0.0], (none**2).mean())
    np.testing.assert_allclose([left[0.0], left[mean]], [0.25, 0.25 - mean**2], atol=0.01)


def test_the_page_names_this_file():
    text = (REPOSITORY / "docs" / "concepts" / "mixing.md").read_text(encoding="utf-8")
    assert "tests/datamix_tf/test_equivariance.py" in text
