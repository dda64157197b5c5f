import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from datamix_tf.layers import ConvexKeys, OrthogonalKeys
from tests.datamix_tf.layer_test import run_layer_test


@settings(max_examples=20)
@given(group_size=st.integers(1, 20), groups=st.integers(1, 5), seed=st.integers(0, 2**31 - 1))
def test_keys_are_orthogonal_for_any_group_size(group_size, groups, seed):
    keys = np.asarray(OrthogonalKeys(group_size, seed=seed)(np.zeros((groups * group_size, 3), "float32")))
    assert keys.shape == (groups, group_size, group_size)
    identity = np.broadcast_to(np.eye(group_size), keys.shape)
    np.testing.assert_allclose(keys @ keys.transpose(0, 2, 1), identity, atol=2e-6 * group_size)


def test_keys_are_haar_distributed():
    # Under Haar on O(n) an entry's square is Beta(1/2, (n-1)/2), and entries and determinants have either sign equally
    # often. Without the sign fix the diagonal entries of Q lean to one side.
    size, count = 4, 4000
    keys = np.asarray(OrthogonalKeys(size, seed=3)(np.zeros((count * size, 1), "float32")))
    for entry in [(0, 0), (1, 1), (3, 3), (2, 0)]:
        square = keys[:, entry[0], entry[1]] ** 2
        assert stats.kstest(square, stats.beta(0.5, (size - 1) / 2).cdf).pvalue > 1e-4
        positive = int((keys[:, entry[0], entry[1]] > 0).sum())
        assert stats.binomtest(positive, count).pvalue > 1e-4
    assert stats.binomtest(int((np.linalg.det(keys) > 0).sum()), count).pvalue > 1e-4


def test_haar_test_would_fail_without_the_sign_fix():
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4000, 4, 4)))
    positive = int((q[:, 0, 0] > 0).sum())
    assert stats.binomtest(positive, 4000).pvalue < 1e-10


def test_every_call_and_every_group_has_its_own_key():
    layer = OrthogonalKeys(3)
    x = np.zeros((12, 2), "float32")
    keys = np.concatenate([np.asarray(layer(x)), np.asarray(layer(x))])
    for i in range(len(keys)):
        for j in range(i):
            assert np.abs(keys[i] - keys[j]).max() > 1e-3


def test_group_size_one_is_a_sign():
    keys = np.asarray(OrthogonalKeys(1, seed=0)(np.zeros((50, 2), "float32")))
    assert set(np.unique(keys)) == {-1.0, 1.0}


def test_seed_repeats_but_is_not_in_the_config():
    x = np.zeros((8, 2), "float32")
    first, second = OrthogonalKeys(4, seed=7), OrthogonalKeys(4, seed=7)
    np.testing.assert_array_equal(first(x), second(x))
    assert "seed" not in first.get_config()


@pytest.mark.parametrize("group_size", [0, -1, 2.5, "8", True, None])
def test_a_bad_group_size_is_explained(group_size):
    with pytest.raises(ValueError, match="`group_size` must be an integer of at least 1"):
        OrthogonalKeys(group_size)


def test_a_batch_that_is_no_multiple_is_explained():
    with pytest.raises(ValueError, match="expected a multiple of group_size=8, received 12 rows"):
        OrthogonalKeys(8)(np.zeros((12, 2), "float32"))


def test_layer_contract():
    run_layer_test(OrthogonalKeys(4), np.zeros((8, 5, 5, 2), "float32"))


def test_keys_are_a_keras_layer():
    assert run_layer_test(ConvexKeys(low=0.6, high=0.8), np.zeros((4, 3), "float32")).shape == (2, 2, 2)


@settings(max_examples=20)
@given(pairs=st.integers(1, 20), seed=st.integers(0, 1000))
def test_rows_are_convex_and_the_input_in_front_dominates(pairs, seed):
    keys = np.asarray(ConvexKeys(seed=seed)(np.zeros((2 * pairs, 3), "float32")))
    np.testing.assert_allclose(keys.sum(-1), 1, rtol=1e-6)
    assert (keys >= 0).all() and (keys[:, 0, 0] > 0.5).all() and (keys[:, 1, 1] > 0.5).all()
    assert (np.linalg.det(keys.astype("float64")) > 0.09).all()


@pytest.mark.parametrize("arguments", [{"low": 0.5}, {"low": 0.9, "high": 0.8}, {"high": 1.1}])
def test_wrong_shares(arguments):
    with pytest.raises(ValueError, match=r"0.5 < low <= high <= 1"):
        ConvexKeys(**arguments)


def test_the_paper_s_own_pair_can_be_drawn():
    """DataMix, section 3: c = [0.7, 0.3] and c' = [0.6, 0.4], in either order, and the system can be solved."""
    layer = ConvexKeys(low=0.6, high=0.7, gap=0.1, seed=0)
    keys = run_layer_test(layer, np.zeros((40, 3), "float32"))
    pair = np.array([[0.7, 0.3], [0.6, 0.4]])
    found = {bool(np.allclose(key, pair, atol=1e-6)) for key in np.asarray(keys)}
    assert found == {True, False}
    for key in np.asarray(keys):
        assert np.allclose(key, pair, atol=1e-6) or np.allclose(key, pair[::-1], atol=1e-6)


def test_shares_with_a_gap_are_apart_and_within_their_bounds():
    keys = np.asarray(ConvexKeys(low=0.1, high=0.9, gap=0.3, seed=1)(np.zeros((2000, 1), "float32")))
    first, second = keys[:, 0, 0], keys[:, 1, 0]
    np.testing.assert_allclose(keys.sum(-1), 1, rtol=1e-5)
    assert (
        np.abs(first - second).min() >= 0.3 - 1e-6 and keys[:, :, 0].min() >= 0.1 and keys[:, :, 0].max() <= 0.9 + 1e-6
    )
    assert stats.binomtest(int((first > second).sum()), 1000).pvalue > 1e-4


@pytest.mark.parametrize("bad", [{"gap": -0.1}, {"low": 0.6, "high": 0.7, "gap": 0.2}, {"low": -0.1, "gap": 0.1}])
def test_gaps_that_do_not_fit_are_explained(bad):
    with pytest.raises(ValueError, match="gap"):
        ConvexKeys(**bad)
