import numpy as np

from datamix_tf.attacks.pooled.pooled_attack import balanced_clusters


def test_clusters_are_balanced_and_right_where_similarity_is():
    truth = np.random.default_rng(0).permutation(np.repeat(np.arange(5), 4))
    similarity = (truth[:, None] == truth[None]) + 0.3 * np.random.default_rng(1).normal(size=(20, 20))
    found = balanced_clusters(similarity, 4)
    assert (np.bincount(found) == 4).all()
    assert ((found[:, None] == found[None]) == (truth[:, None] == truth[None])).all()
