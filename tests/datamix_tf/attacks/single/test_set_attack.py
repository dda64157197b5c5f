import numpy as np

from datamix_tf.attacks import LabelAttack, SetAttack
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
    # Whoever has two names of a pair, a share r of them right, is right with one of them for r / 2 of the inputs. The
    # attack on one label must not do worse: its best candidate on validation data is at least as good.
    single = LabelAttack(private(2), 4, False, TRAINING)
    single.fit(people(1024, 1), people(256, 2))
    named = single.score(people(512, 3))
    assert named.score > result.score / 2 - 4 * np.hypot(named.standard_error, result.standard_error / 2)
    assert {tried["goal"] for tried in single.tried} == {"its own label", "the set of its group"}
    best = max(single.tried, key=lambda tried: tried["valid"])
    assert named.details["attack"].endswith(f", trained for {best['goal']}") == (best["goal"] == "the set of its group")
    assert named.details["curve"] == best["curve"]


def test_the_set_helps_to_name_one_only_where_there_is_a_set():
    """Not of inputs sent alone, of 0/1 labels, of rows in another group's place, or of one person's pictures."""
    for model, more in ((private(1), {}), (private(2), {"shuffle": True}), (private(2), {"mates": "same"})):
        assert len(LabelAttack(model, 4, False, **more).goals()) == 1
    assert len(LabelAttack(private(2), 4, True).goals()) == 1


def test_recall_counts_distinct_members():
    scores = np.array([[4.0, 3, 2, 1], [4, 3, 2, 1], [1, 2, 3, 4], [4, 3, 2, 1]])
    np.testing.assert_array_equal(recalls(scores, np.array([0, 2, 3, 3]), 2), [0.5, 0.5, 1.0, 0.0])
