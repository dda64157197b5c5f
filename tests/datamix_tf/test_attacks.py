import keras
import numpy as np
import pytest

from datamix_tf import DataMixModel, split
from datamix_tf.attacks import AttackTraining, LabelAttack, LinearProbe, SetAttack
from datamix_tf.attacks.single.set_attack import recalls
from datamix_tf.transmission import cloud_body, transmitted

TRAINING = AttackTraining(epochs=8, batch_size=32, learning_rates=(0.01,))


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
    attack = LabelAttack(model, 4, binary=False, training=TRAINING, **kwargs)
    attack.fit(people(1024, 1), people(256, 2))
    return attack.score(people(512, 3))


def test_the_attack_works_where_nothing_is_hidden():
    result = run(network())
    assert result.score > 0.9
    assert len(result.details["curve"]) == 8
    assert result.n == 512


def test_a_cloud_with_the_whole_network_reads_what_it_computes():
    """Whatever training does to it (here: ruin), the network as it is counts too."""
    model = network()
    (x, _), (z, _) = people(256, 1), people(128, 2)
    read = [np.asarray(model(values)).argmax(1) for values in (x, z)]
    attack = LabelAttack(model, 3, binary=False, training=AttackTraining(epochs=1, learning_rates=(1e3,)))
    attack.fit((x, read[0]), (z, read[1]))
    assert attack.score((z, read[1])).score == 1.0


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
    attack = LabelAttack(network(), 2, binary=True, training=TRAINING)
    attack.fit((x[:512], labels[:512]), (x[512:768], labels[512:768]))
    result = attack.score((x[768:], labels[768:]))
    assert (result.measure, result.chance) == ("balanced_accuracy", 0.5)
    assert result.score > 0.85


@pytest.mark.parametrize("model", [network(), private(4)])
def test_attacking_leaves_the_model_as_it_was(model):
    before, trainable = model.get_weights(), len(model.trainable_weights)
    run(model)
    assert len(model.trainable_weights) == trainable
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


def test_the_best_configuration_counts_and_all_are_told():
    poor, good = 1e-6, 0.01
    training = AttackTraining(epochs=4, batch_size=32, learning_rates=(poor, good), starts=("fresh",))
    attack = LabelAttack(network(), 4, binary=False, training=training)
    attack.fit(people(1024, 1), people(256, 2))
    assert [tried["learning_rate"] for tried in attack.tried] == [poor, good]
    assert attack.tried[1]["valid"] == max(attack.tried[1]["curve"]) > attack.tried[0]["valid"]
    assert attack.score(people(512, 3)).score > 0.8
    assert attack.details["curve"] == attack.tried[1]["curve"]


def test_training_ends_when_nothing_gets_better():
    training = AttackTraining(epochs=50, patience=2, batch_size=32, learning_rates=(0.03,))
    attack = LabelAttack(network(), 4, binary=False, training=training)
    attack.fit(people(256, 1), people(128, 2))
    curve = attack.details["curve"]
    assert len(curve) < 50 and max(curve) == curve[-3]


def test_shuffling_leaves_nothing_to_read_from_the_place_on_the_wire():
    result = run(private(1), shuffle=True)
    # 512 guesses among 4 equally likely places: a standard error of 0.02.
    assert abs(result.score - 0.25) < 5 * 0.02 and result.details["shuffled"]


def test_mates_of_one_kind_betray_what_mates_of_all_kinds_hide():
    """A group of one person's examples is mixed into multiples of that person."""
    same, different = run(private(4), mates="same"), run(private(4), mates="different")
    assert same.score > 0.8 > different.score + 0.3


def test_the_set_attack_finds_the_members_and_not_their_place():
    """Place 0 alone, in groups of two, with rows of random signs: named whoever of the two the row stands for."""
    attack = SetAttack(private(2), 4, TRAINING)
    attack.fit(people(1024, 1), people(256, 2))
    result = attack.score(people(512, 3))
    assert result.measure == "recall" and result.details["k"] == 2
    assert result.score > result.chance + 0.2
    # Of two draws among four places, guessing two finds a half.
    assert abs(result.chance - 0.5) < 0.1


def test_recall_counts_distinct_members():
    scores = np.array([[4.0, 3, 2, 1], [4, 3, 2, 1], [1, 2, 3, 4], [4, 3, 2, 1]])
    np.testing.assert_array_equal(recalls(scores, np.array([0, 2, 3, 3]), 2), [0.5, 0.5, 1.0, 0.0])


def test_the_linear_probe_reads_what_is_linear():
    probe = LinearProbe(network(), 4, binary=False, components=8)
    probe.fit(people(512, 1), people(128, 2))
    assert probe.score(people(512, 3)).score > 0.9
    x, y = people(1024, 1)
    labels = np.stack([y == 0, y < 2], 1).astype("int32")
    probe = LinearProbe(private(4), 2, binary=True, components=8)
    probe.fit((x[:512], labels[:512]), (x[512:], labels[512:]))
    # Mixtures of four with random signs: the mean over 512 rows of a fair guess has a standard error of about 0.03.
    assert abs(probe.score((x[:512], labels[:512])).score - 0.5) < 5 * 0.03
