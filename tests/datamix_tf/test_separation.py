"""Blind source separation: where it must work, where it cannot, and what is then read."""

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split
from datamix_tf.attacks import AttackTraining, KeyAttack, PooledLabelAttack, SeparatedLabelAttack, SeparatorTraining
from datamix_tf.attacks.linked.separation import VIEWS, agreement, chance_agreement, separate, view
from datamix_tf.attacks.pooled.pooled_labels import best_groups


def key(size, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def maps(size, seed, template=0.0):
    """Smooth maps with edges in places of their own, and a template that all share."""
    rng = np.random.default_rng(seed)
    shared = np.cumsum(rng.normal(size=(24, 24, 2)), 0)
    own = np.cumsum(rng.laplace(size=(size, 24, 24, 2)) * (rng.random((size, 24, 24, 2)) < 0.1), 1)
    return own + template * shared


@pytest.mark.parametrize("kind", VIEWS)
def test_independent_sources_are_recovered(kind):
    sources = np.random.default_rng(0).laplace(size=(8, 4000))
    mixing = key(8, 1)
    found, order = agreement(separate(mixing @ sources, kind, mean=np.zeros(4000)), mixing)
    assert found > 0.97 and sorted(order) == list(range(8))


def test_the_known_mean_takes_a_shared_template_away():
    """What all share correlates the sources: on features it looks safer than it is."""
    found = {kind: [] for kind in ("features", "centred")}
    for seed in range(3):
        mixing, mean = key(6, seed + 1), maps(200, seed, template=3.0).mean(0)
        mixtures = np.tensordot(mixing, maps(6, seed, template=3.0), 1)
        for kind, values in found.items():
            values.append(agreement(separate(mixtures, kind, mean), mixing)[0])
    assert np.mean(found["centred"]) > 0.85 > 0.8 > np.mean(found["features"])


def test_gaussian_sources_hide_the_key():
    """A rotation of white Gaussian rows is a white Gaussian again: no better than a random rotation."""
    chance, spread = chance_agreement(8)
    rng = np.random.default_rng(0)
    found = [
        agreement(separate(mixing @ rng.normal(size=(8, 2000)), "features"), mixing)[0]
        for mixing in (key(8, seed) for seed in range(12))
    ]
    assert abs(np.mean(found) - chance) < 5 * spread / 12**0.5
    assert 0.6 < chance < 0.7  # 0.65 for S_G = 8


def test_agreement_knows_neither_order_nor_signs():
    mixing = key(5, 0)
    shuffled = (mixing.T * np.array([1, -1, 1, 1, -1])[:, None])[[3, 1, 4, 0, 2]]
    found, order = agreement(shuffled, mixing)
    assert np.isclose(found, 1) and list(order) == [3, 1, 4, 0, 2]
    assert list(np.abs(shuffled @ mixing).argmax(0)) == list(order)


def test_views_are_mixed_by_the_same_key():
    sources, mixing = maps(4, 2), key(4, 3)
    for kind in VIEWS:
        mean = sources.mean(0)
        first = view(np.tensordot(mixing, sources, 1), kind, mean)
        np.testing.assert_allclose(first, mixing @ view(sources, kind, mean), atol=1e-8)


@pytest.fixture(scope="module")
def private():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = keras.layers.Conv2D(8, 3, strides=4, activation="relu", name="main")(x)
    y = keras.layers.Flatten(name="flat")(y)
    model = keras.Model(inputs, keras.layers.Dense(4, name="last")(y))
    return DataMixModel(*split(model, after="first", before="last"), group_size=4, seed=0)


def pictures(n, seed):
    """A bright square in one of four corners of noise; the corner is the label."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    x = 0.2 * rng.laplace(size=(n, 16, 16, 1)).astype("float32")
    for index, label in enumerate(labels):
        row, column = 8 * (label // 2) + rng.integers(0, 4), 8 * (label % 2) + rng.integers(0, 4)
        x[index, row : row + 4, column : column + 4] += 2
    return x, labels


def test_a_group_s_mixtures_are_read_side_by_side(private):
    training = AttackTraining(epochs=12, batch_size=32, learning_rates=(0.01,))
    attack = SeparatedLabelAttack(private, 4, binary=False, training=training)
    attack.fit(pictures(600, 1), pictures(64, 2))
    score = attack.score(pictures(200, 3))
    assert score.n == 200
    # Chance is about 0.25; single mixtures of four hide the corner, the separated ones do not.
    assert score.score > 0.7
    keys = attack.keys.score(pictures(200, 4))
    assert keys.measure == "key_agreement" and keys.score > keys.chance + 0.15 and keys.n == 50
    assert {f"FastICA on {kind}" for kind in VIEWS} < set(keys.details["tried"])


def test_a_shuffled_pool_is_linked_separated_and_read(private):
    training = AttackTraining(epochs=12, batch_size=32, learning_rates=(0.01,))
    attack = PooledLabelAttack(private, 4, False, training, SeparatorTraining(steps=20, groups=4))
    attack.fit(pictures(600, 1), pictures(64, 2))
    score = attack.score(pictures(200, 3))
    assert score.measure == "matched_accuracy" and score.n == 4 * 32 and "clusters by" in score.details["attack"]
    assert score.score > score.chance + 3 * score.standard_error


def test_clusters_are_compared_with_groups_in_the_order_that_fits_best():
    labels = np.random.default_rng(0).integers(0, 100, (5, 4))
    shuffled = np.stack([np.random.default_rng(seed).permutation(group) for seed, group in enumerate(labels)])
    np.testing.assert_array_equal(best_groups(shuffled[[3, 0, 4, 1, 2]], labels), labels)


def test_there_must_be_groups(private):
    with pytest.raises(ValueError, match="at least 2"):
        KeyAttack(private.unmixed())
