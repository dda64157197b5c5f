import numpy as np

from datamix_tf.attacks import SetAttack
from datamix_tf.attacks.single.set_attack import recalls
from tests.datamix_tf.attacks.places import TRAINING, people, private


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
