import numpy as np

from datamix_tf.attacks import LabelAttack
from tests.datamix_tf.attacks.places import TRAINING, network, people, private, run


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
