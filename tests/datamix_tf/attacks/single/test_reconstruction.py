import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel
from datamix_tf.attacks import ReconstructionAttack, ReconstructionTraining
from datamix_tf.attacks.single.reconstruction import chamfer_distance, split_pictures

TRAINING = ReconstructionTraining(epochs=6, batch_size=16, width=8, learning_rate=2e-3)

MEAN, VARIANCE = [128.0], [3000.0]


def pictures(n, seed):
    """Bright squares at random places."""
    rng = np.random.default_rng(seed)
    x = np.full((n, 16, 16, 1), 100.0, "float32")
    for picture, row, column in zip(x, rng.integers(0, 11, n), rng.integers(0, 11, n), strict=True):
        picture[row : row + 5, column : column + 5] = 250
    return x, np.zeros(n, "int32")


def mixing(group_size):
    inputs = keras.Input((16, 16, 1))
    pre = keras.Model(inputs, keras.layers.Normalization(mean=MEAN, variance=VARIANCE)(inputs))
    features = keras.Input((16, 16, 1))
    main = keras.Model(features, keras.layers.Flatten()(features))
    post = keras.Sequential([keras.Input((256,)), keras.layers.Dense(2)])
    return DataMixModel(pre, main, post, group_size=group_size)


def attacked(model):
    attack = ReconstructionAttack(model, MEAN, VARIANCE, TRAINING)
    attack.fit(pictures(256, 1), pictures(32, 2))
    return attack


def test_what_is_sent_in_the_clear_is_rebuilt_and_a_mixture_less_well():
    clear = attacked(keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]))
    result, mixed = clear.score(pictures(64, 3)), attacked(mixing(4)).score(pictures(64, 3))
    assert result.measure == "inverse_mse" and result.n == 64 and len(result.details["curve"]) == 6
    assert 0 > result.score > 0.3 * result.chance
    assert result.score > mixed.score and result.details["psnr"] > mixed.details["psnr"]
    # What the mean picture leaves does not depend on the attack.
    assert result.chance == pytest.approx(mixed.chance, rel=1e-5)
    assert clear.rebuild(pictures(4, 5)[0]).shape == (4, 16, 16, 1)


def test_a_vector_is_refused():
    inputs = keras.Input((16, 16, 1))
    pre = keras.Model(inputs, keras.layers.Flatten()(inputs))
    main, post = (keras.Sequential([keras.Input((size,)), keras.layers.Dense(2)]) for size in (256, 2))
    with pytest.raises(ValueError, match=r"shaped like a picture.*Received: \(256,\)"):
        ReconstructionAttack(DataMixModel(pre, main, post, group_size=2), MEAN, VARIANCE, TRAINING)


def test_pictures_are_matched_with_the_least_error():
    attack = ReconstructionAttack(mixing(3), MEAN, VARIANCE, TRAINING)
    truth = np.random.default_rng(0).normal(size=(3, 16, 16, 1)).astype("float32")
    made = np.repeat(truth[None, [2, 0, 1]], 3, axis=0)
    sorted_pictures, wanted, errors = attack._matched(made, truth)
    np.testing.assert_array_equal(sorted_pictures, wanted)
    np.testing.assert_array_equal(errors, 0)


def test_the_chamfer_distance_does_not_care_for_order():
    sets = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1)).astype("float32")
    assert float(chamfer_distance(sets, sets[:, ::-1])) == 0
    # One of two pictures is missed: its distance to the nearest, half of it in one direction only.
    made, wanted = np.zeros((1, 2, 2, 2, 1), "float32"), np.zeros((1, 2, 2, 2, 1), "float32")
    wanted[0, 1] = 3
    assert float(chamfer_distance(made, wanted)) == 1.5


def test_splitting_pictures():
    stacked = np.concatenate([np.full((2, 4, 4, 3), k) for k in range(5)], axis=-1)
    made = np.asarray(split_pictures(stacked, 5))
    assert made.shape == (2, 5, 4, 4, 3)
    for k in range(5):
        assert (made[:, k] == k).all()
