from datamix_tf.attacks import LinkAttack, PooledKeyAttack
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
