import numpy as np

from datamix_tf.attacks import LinkAttack, PooledKeyAttack
from datamix_tf.attacks.pooled.linker import MOST_ROWS, key_rows
from tests.datamix_tf.attacks.raw_inputs import FEW, attacked, model_of, noise, spots


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


def test_of_large_groups_a_part_of_each_is_looked_at():
    linker = LinkAttack(model_of((6,), group_size=64), FEW)
    features = noise(640, 0)[0][:, :6]
    rows, groups = linker._pool(features, np.random.default_rng(0), 8)
    assert rows.shape == (MOST_ROWS, 6) and (np.bincount(groups) == MOST_ROWS // 8).all()
    small, _ = LinkAttack(model_of((6,)), FEW)._pool(features, np.random.default_rng(0), 8)
    assert small.shape == (8 * 4, 6)  # all of them


def test_key_rows_are_orthonormal_and_of_either_sign():
    rows = key_rows(np.random.default_rng(0), 400, 5, 3)
    np.testing.assert_allclose(rows @ np.swapaxes(rows, 1, 2), np.broadcast_to(np.eye(3), (400, 3, 3)), atol=1e-5)
    # Every entry of a uniformly random rotation has mean 0 and variance 1 / 5.
    assert np.abs(rows.mean(0)).max() < 4 * (1 / 5 / 400) ** 0.5
