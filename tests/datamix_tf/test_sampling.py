import numpy as np

from datamix_tf.sampling import MOST_BYTES, MOST_ROWS, most_rows, sampled, sampled_rows


def test_few_rows_are_all_taken_in_their_order():
    x, y = np.arange(12).reshape(6, 2), np.arange(6)
    found, labels = sampled((x, y))
    assert found is x and labels is y
    np.testing.assert_array_equal(sampled_rows(6), np.arange(6))


def test_of_many_a_part_is_drawn_from_the_seed_each_at_most_once():
    rows = sampled_rows(1000, 100, seed=1)
    assert len(set(rows)) == 100 and (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sampled_rows(1000, 100, seed=1))
    assert (rows != sampled_rows(1000, 100, seed=2)).any()
    # About as many from each half: a share of 100 with a standard deviation of 5.
    assert abs((rows < 500).sum() - 50) < 25


def test_what_is_held_has_a_bound_in_rows_and_in_bytes():
    assert most_rows((3,)) == MOST_ROWS
    assert most_rows((64, 64, 64), (3,)) == MOST_BYTES // (4 * 64**3)
    x = np.zeros((MOST_ROWS + 5, 1), "uint8")
    x[:, 0] = np.arange(len(x)) % 251
    found, labels = sampled((x, np.arange(len(x))))
    assert len(found) == MOST_ROWS
    np.testing.assert_array_equal(found[:, 0], labels % 251)
