import numpy as np
import pytest

from datamix_tf.groups import complete_groups


@pytest.mark.parametrize("n", [1, 2, 5, 7, 8, 13])
def test_covers_are_neither_zeros_nor_repeats_in_a_group(n):
    rows = np.random.default_rng(0).normal(size=(n, 9)).astype("float32")
    whole = np.asarray(complete_groups(rows, 4, seed=0))
    assert len(whole) % 4 == 0 and len(whole) - n < 4
    np.testing.assert_array_equal(whole[:n], rows)
    for group in whole.reshape(-1, 4, 9):
        if n > 1:  # one single row has no spread to draw covers from
            assert len(np.unique(group, axis=0)) == 4
        assert (np.abs(group).max(1) > 0).all()
