import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split
from datamix_tf.attacks import LabelAttack
from datamix_tf.transmission import cloud_body, transmitted


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(16, activation="relu", name="first"),
            keras.layers.Dense(16, activation="relu", name="middle"),
            keras.layers.Dense(3, name="last"),
        ]
    )


def private(group_size):
    return DataMixModel(*split(network(), after="first", before="last"), group_size=group_size, seed=0)


def people(n, seed):
    """Points around four places; the label is the place."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    return 3 * np.eye(8, dtype="float32")[labels] + rng.normal(size=(n, 8)).astype("float32"), labels


def run(model, **kwargs):
    attack = LabelAttack(model, 4, binary=False, epochs=8, batch_size=32, learning_rate=0.01, **kwargs)
    attack.fit(people(1024, 1), people(256, 2))
    return attack.score(people(512, 3))


def test_the_attack_works_where_nothing_is_hidden():
    result = run(network())
    assert result.score > 0.9
    assert len(result.details["curve"]) == 8
    assert result.n == 512


def test_the_chance_level_is_that_of_the_most_frequent_class():
    labels = people(512, 3)[1]
    assert run(network()).chance == np.bincount(labels).max() / 512


def test_mixing_eight_lowers_the_score_of_single_mixtures():
    assert run(private(8)).score < run(network()).score - 0.3


def test_a_group_of_one_hides_only_the_sign():
    assert run(private(1)).score > 0.8


def test_binary_labels_are_scored_balanced():
    x, y = people(1024, 1)
    labels = np.stack([y == 0, y < 2], 1).astype("int32")
    attack = LabelAttack(network(), 2, binary=True, epochs=5, batch_size=32, learning_rate=0.01)
    attack.fit((x[:512], labels[:512]), (x[512:768], labels[512:768]))
    result = attack.score((x[768:], labels[768:]))
    assert (result.measure, result.chance) == ("balanced_accuracy", 0.5)
    assert result.score > 0.85


@pytest.mark.parametrize("model", [network(), private(4)])
def test_attacking_leaves_the_model_as_it_was(model):
    before = model.get_weights()
    run(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_transmitted_is_what_the_cloud_gets():
    model, x = private(4), people(8, 0)[0]
    sent = np.asarray(transmitted(model)(x))
    features = np.asarray(model.pre(x))
    assert np.abs(sent - features).max() > 0.1
    # An orthogonal key keeps each group's Gram matrix over features.
    for group in range(2):
        rows = slice(4 * group, 4 * group + 4)
        np.testing.assert_allclose(sent[rows].T @ sent[rows], features[rows].T @ features[rows], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(transmitted(network())(x), x)


def test_the_body_is_a_copy_of_the_clouds_part():
    model = private(4)
    body = cloud_body(model)
    x = np.ones((4, 16), "float32")
    np.testing.assert_allclose(body(x), model.main(x), rtol=1e-6)
    body.set_weights([0 * weight for weight in body.get_weights()])
    assert np.abs(np.asarray(model.main(x))).max() > 0
