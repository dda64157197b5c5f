"""Attacks of the audit: each where it must succeed, and where no attack can."""

import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, audit, split
from datamix_tf.attacks import (
    CandidateAttack,
    InjectedAttack,
    KeyAttack,
    LinkAttack,
    PooledKeyAttack,
    ReuseAttack,
    SeparatorTraining,
)
from datamix_tf.attacks.linked.critic import CriticAscent
from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.linked.second_order import covariances, joint_diagonalizer
from datamix_tf.attacks.linked.separation import agreement, chance_agreement, separate
from datamix_tf.attacks.linked.span import coefficients_of, meeting
from datamix_tf.attacks.linked.unmixing import UnmixingNetwork
from datamix_tf.attacks.pooled.pooled_attack import balanced_clusters

CRITIC = SeparatorTraining(steps=800, groups=8, learning_rate=2e-3, restarts=4, ascent_steps=60)
UNMIXING = SeparatorTraining(steps=250, groups=8, learning_rate=3e-3, restarts=4)

FEW = SeparatorTraining(steps=300, groups=8, restarts=4, ascent_steps=40)


def model_of(shape, group_size=4):
    """A model that sends its raw inputs."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    x = keras.layers.Activation("linear", name="first")(inputs)
    x = keras.layers.Dense(6, name="main")(keras.layers.Flatten()(x))
    whole = keras.Model(inputs, keras.layers.Dense(3, name="last")(x))
    return DataMixModel(*split(whole, after="first", before="last"), group_size=group_size, seed=0)


def spots(n, seed):
    """Maps with a loud spot somewhere: sparse, and louder in places of their own."""
    rng = np.random.default_rng(seed)
    x = 0.1 * rng.normal(size=(n, 8, 8, 2))
    for row in x:
        i, j = rng.integers(0, 6, 2)
        row[i : i + 3, j : j + 3] += rng.normal(size=(3, 3, 2)) * 2
    return x.astype("float32"), rng.integers(0, 3, n)


def noise(n, seed):
    """White Gaussian vectors: rotating them changes nothing that can be seen."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 48)).astype("float32"), rng.integers(0, 3, n)


def data(draw):
    return draw(400, 1), draw(100, 2), draw(160, 3)


def attacked(attack, draw):
    train, valid, test = data(draw)
    attack.fit(train, valid)
    return attack.score(test)


def test_second_order_statistics_separate_uneven_gaussians():
    """FastICA cannot: every source is Gaussian. Where each is loud tells them apart."""
    rng = np.random.default_rng(0)
    loud = np.exp(rng.normal(size=(6, 4, 4, 1))).repeat(6, 1).repeat(6, 2)
    key = rotations(rng, 1, 6)[0]
    mixtures = np.tensordot(key, loud * rng.normal(size=(6, 24, 24, 3)), 1)
    assert agreement(joint_diagonalizer(covariances(mixtures)), key)[0] > 0.95


def test_a_joint_diagonalizer_is_exact_where_there_is_one():
    rng = np.random.default_rng(1)
    key = rotations(rng, 1, 5)[0]
    found = joint_diagonalizer([key @ np.diag(rng.normal(size=5)) @ key.T for _ in range(3)])
    assert agreement(found, key)[0] > 1 - 1e-9
    np.testing.assert_allclose(found @ found.T, np.eye(5), atol=1e-9)


def test_picard_separates_what_is_flatter_than_a_gaussian():
    rng = np.random.default_rng(2)
    key = rotations(rng, 1, 6)[0]
    mixtures = key @ rng.uniform(-1, 1, size=(6, 4000))
    assert agreement(separate(mixtures, "features", algorithm="picard"), key)[0] > 0.97


@pytest.mark.parametrize("make", [lambda: CriticAscent(CRITIC), lambda: UnmixingNetwork(UNMIXING)])
def test_learned_separators_beat_chance_where_there_is_something_to_learn(make):
    chance, spread = chance_agreement(4)
    score = attacked(KeyAttack(model_of((8, 8, 2)), [make()], groups=12), spots)
    assert score.score > chance + 4 * spread / 12**0.5 and score.n == 12 and score.chance == pytest.approx(chance)


@pytest.mark.parametrize("make", [lambda: CriticAscent(FEW), lambda: UnmixingNetwork(FEW)])
def test_learned_separators_find_nothing_in_white_gaussian_rows(make):
    chance, spread = chance_agreement(4)
    hidden = attacked(KeyAttack(model_of((48,)), [make()], groups=24), noise)
    assert abs(hidden.score - chance) < 4 * spread / 24**0.5


def test_a_linker_finds_what_belongs_together_and_separation_follows():
    model = model_of((8, 8, 2))
    linker = LinkAttack(model, FEW, pools=4)
    score = attacked(linker, spots)
    assert score.measure == "auc" and score.score > 0.75 and len(score.details["curve"]) == 8
    pooled = attacked(PooledKeyAttack(model, FEW, linker=linker), spots)
    assert pooled.score > pooled.chance + 3 * pooled.standard_error
    assert pooled.details["pairs_clustered_rightly"] > 3 / 31  # chance: three partners among 31 others


def test_nobody_links_white_gaussian_rows():
    score = attacked(LinkAttack(model_of((48,)), FEW, pools=6), noise)
    # The AUC of 496 pairs, 48 of one group: standard deviation 0.04 under the null, over 6 pools 0.018.
    assert abs(score.score - 0.5) < 4 * 0.018


def test_clusters_are_balanced_and_right_where_similarity_is():
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 4))
    similarity = (truth[:, None] == truth[None]) + 0.3 * np.random.default_rng(1).normal(size=(20, 20))
    found = balanced_clusters(similarity, 4)
    assert (np.bincount(found) == 4).all()
    assert ((found[:, None] == found[None]) == (truth[:, None] == truth[None])).all()


def test_a_group_s_span_answers_without_a_key():
    rng = np.random.default_rng(0)
    features, key = rng.normal(size=(5, 40)), rotations(rng, 1, 5)[0]
    found, residual = coefficients_of(features[3], key @ features)
    np.testing.assert_allclose(found, key[:, 3], atol=1e-9)
    assert residual < 1e-9 and coefficients_of(rng.normal(size=40), key @ features)[1] > 0.5
    other = np.concatenate([features[:1], rng.normal(size=(4, 40))])
    direction, cosine = meeting(key @ features, rotations(rng, 1, 5)[0] @ other)
    assert cosine > 1 - 1e-9 and abs(np.corrcoef(direction, features[0])[0, 1]) > 1 - 1e-9


def test_candidates_known_inputs_and_reuse_are_read_even_from_white_noise():
    """Where features themselves hide the key, linear algebra still answers: this is what must be said."""
    model = model_of((48,))
    assert attacked(CandidateAttack(model, groups=8), noise).score == 1
    for known in (1, 3, 4):
        score = attacked(InjectedAttack(model, known, groups=8), noise)
        assert score.details["known_columns"] > 0.999 and (score.score > 0.999) == (known >= 3)
    assert attacked(ReuseAttack(model, groups=8), noise).score > 0.999
    with pytest.raises(ValueError, match="from 1 to 4"):
        InjectedAttack(model, 5)


def test_what_is_reported_is_the_worst_attack_beside_its_chance():
    def score(threat, value, chance=0.5, n=400):
        error = (value * (1 - value) / n) ** 0.5
        more = {"measure": "accuracy", "standard_error": error, "n": n}
        return {"threat": threat, "name": f"attack {value}", "score": value, "chance": chance, **more}

    scores = [score("linked", 0.7), score("linked", 0.72, chance=0.71), score("single", 0.51), score("linked", 0.6)]
    found = audit.headlines([*scores, {"threat": "pooled", "name": "linker", "skipped": "no groups"}])
    assert list(found) == ["single", "linked"] and found["linked"]["score"] == 0.7
    assert "not protected" in audit.sentence(found["linked"]) and "chance 0.500" in audit.sentence(found["linked"])
    assert "no success was measured" in audit.sentence(found["single"])
