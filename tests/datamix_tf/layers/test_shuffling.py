import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datamix_tf.layers import GroupShuffle, GroupUnshuffle
from tests.datamix_tf.layer_test import run_layer_test
from tests.datamix_tf.layers.strategies import shapes


@settings(max_examples=20)
@given(shape=shapes, batch=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_unshuffle_undoes_shuffle(shape, batch, seed):
    x = np.random.default_rng(seed).normal(size=(batch, *shape)).astype("float32")
    shuffled, permutation = GroupShuffle(seed=seed)(x)
    assert sorted(np.asarray(permutation)) == list(range(batch))
    np.testing.assert_array_equal(np.asarray(shuffled), x[np.asarray(permutation)])
    np.testing.assert_array_equal(GroupUnshuffle()(shuffled, permutation), x)


def test_shuffle_crosses_groups_and_differs_from_call_to_call():
    layer = GroupShuffle(seed=1)
    first, second = (np.asarray(layer(np.arange(64.0))[1]) for _ in range(2))
    assert (first != second).any()
    assert len({row // 8 for row in first[:8]}) > 1


def test_shuffle_layer_contract():
    run_layer_test(GroupShuffle(), np.ones((6, 4), "float32"))
    run_layer_test(GroupUnshuffle(), np.ones((6, 4), "float32"), np.arange(6, dtype="int32"))
