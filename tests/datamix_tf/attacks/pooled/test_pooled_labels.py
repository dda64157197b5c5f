import numpy as np

from datamix_tf.attacks import AttackTraining, PooledLabelAttack, SeparatorTraining
from datamix_tf.attacks.pooled.pooled_labels import best_groups
from tests.datamix_tf.attacks.conftest import pictures


def test_a_shuffled_pool_is_linked_separated_and_read(private):
    training = AttackTraining(epochs=12, batch_size=32, learning_rates=(0.01,))
    attack = PooledLabelAttack(private, 4, False, training, SeparatorTraining(steps=20, groups=4), pools=16)
    attack.fit(pictures(600, 1), pictures(64, 2))
    score = attack.score(pictures(800, 3))
    assert score.measure == "matched_accuracy" and score.n == 16 * 32 and "clusters by" in score.details["attack"]
    assert score.score > score.chance + 3 * score.standard_error


def test_clusters_are_compared_with_groups_in_the_order_that_fits_best():
    labels = np.random.default_rng(0).integers(0, 100, (5, 4))
    shuffled = np.stack([np.random.default_rng(seed).permutation(group) for seed, group in enumerate(labels)])
    np.testing.assert_array_equal(best_groups(shuffled[[3, 0, 4, 1, 2]], labels), labels)
