import numpy as np
import pytest

from datamix_tf.attacks import LabelAttack
from datamix_tf.attacks.single.label_attack import share_of_most_seen
from tests.datamix_tf.attacks.places import TRAINING, network, people, private, run


def test_the_attack_works_where_nothing_is_hidden():
    result = run(network())
    assert result.score > 0.9
    assert len(result.details["curve"]) == 8
    assert result.n == 512


def test_chance_is_that_of_the_most_frequent_class_of_the_attacker_s_own_examples():
    """Not of those that it is scored on: their most frequent class is known to nobody beforehand."""
    result, labels = run(network()), people(512, 3)[1]
    most = np.bincount(people(1024, 1)[1]).argmax()
    assert result.chance == (labels == most).mean() and result.guess == 1 / 4
    assert share_of_most_seen(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 2])) == (0.25 + 0.5) / 2
    # 150 people equally often in training, 3 to 6 times in the test split by chance: a blind guess has 1 of 150.
    test = np.random.default_rng(0).integers(0, 150, 640)
    assert share_of_most_seen(np.arange(1500) % 150, test) == pytest.approx(1 / 150)
    assert np.bincount(test).max() / 640 > 2 / 150


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


def test_shuffling_leaves_nothing_to_read_from_the_place_on_the_wire():
    result = run(private(1), shuffle=True)
    # 512 guesses among 4 equally likely places: a standard error of 0.02.
    assert abs(result.score - 0.25) < 5 * 0.02 and result.details["shuffled"]


def test_mates_of_one_kind_betray_what_mates_of_all_kinds_hide():
    """A group of one person's examples is mixed into multiples of that person."""
    same, different = run(private(4), mates="same"), run(private(4), mates="different")
    assert same.score > 0.8 > different.score + 0.3
