import numpy as np

from datamix_tf.attacks.linked.mixed_groups import rotations
from datamix_tf.attacks.linked.second_order import covariances, joint_diagonalizer
from datamix_tf.attacks.linked.separation import agreement


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
