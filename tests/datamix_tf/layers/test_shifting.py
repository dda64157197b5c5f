import numpy as np
import pytest

from datamix_tf.layers import RandomShift
from datamix_tf.layers.shifting import shift_each
from tests.datamix_tf.layer_test import run_layer_test

X = np.random.default_rng(0).normal(size=(16, 7, 9, 2)).astype("float32")


def test_it_is_a_keras_layer():
    run_layer_test(RandomShift(2, 3, seed=0), X)


def test_each_example_is_moved_by_its_own_draw_with_mirrored_borders():
    draws = np.random.default_rng(1).uniform(size=(2, len(X))).astype("float32")
    moved = np.asarray(shift_each(X, draws, 2, 3))
    padded = np.pad(X, [(0, 0), (2, 2), (3, 3), (0, 0)], "symmetric")
    for example, wide, (row, column) in zip(moved, padded, (draws * [[5], [7]]).astype(int).T, strict=True):
        np.testing.assert_array_equal(example, wide[row : row + 7, column : column + 9])


def test_every_move_comes_about_equally_often_and_none_at_inference():
    layer, x = RandomShift(1, 0, seed=0), np.zeros((3000, 3, 2, 1), "float32")
    x[:, 1] = 1
    places = np.asarray(layer(x, training=True))[:, :, 0, 0].sum(0)  # standard deviation about 26
    assert places.sum() == 3000 and (abs(places - 1000) < 5 * 26).all()
    np.testing.assert_array_equal(layer(x), x)


def test_numbers_that_cannot_be():
    with pytest.raises(ValueError, match="at least 0"):
        RandomShift(-1, 0)
    with pytest.raises(ValueError, match="at least 8 rows"):
        RandomShift(8, 0)(X)
