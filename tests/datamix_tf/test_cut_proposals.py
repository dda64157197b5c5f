import numpy as np
import pytest

from datamix_tf.costs import count_macs, count_params
from datamix_tf.cut_proposals import FrozenProbe, cut_costs, probed_features
from datamix_tf.models.own import adapted
from datamix_tf.split import split
from tests.own_models import SHAPE, transfer


def test_each_cut_has_the_costs_of_what_is_in_front_of_it():
    network = adapted(transfer(), SHAPE, 5).network
    found = cut_costs(network, "head")
    assert [cut.after for cut in found] == ["relu", "pool"]
    for cut in found:
        pre, _, _ = split(network, cut.after, "head")
        assert (cut.macs, cut.params) == (count_macs(pre), count_params(pre))
        assert cut.shape == pre.output_shape[1:] and cut.bytes_up == 4 * np.prod(cut.shape)
    with pytest.raises(ValueError, match=r"no layer named|No such layer"):
        cut_costs(network, "nothing")


def test_features_of_several_cuts_come_in_one_pass():
    network = adapted(transfer(), SHAPE, 5).network
    x = np.random.default_rng(0).integers(0, 256, (5, *SHAPE))
    relu, pool = probed_features(network, ["relu", "pool"], x, batch_size=2)
    assert relu.shape == (5, 7 * 7 * 6) and pool.shape == (5, 24)
    pre, _, _ = split(network, "pool", "head")
    np.testing.assert_allclose(pool, pre(x.astype("float32")), rtol=1e-5)


def test_a_probe_reads_what_is_there_and_guesses_what_is_not():
    random = np.random.default_rng(0)
    features = random.normal(size=(600, 30)).astype("float32")
    labels = np.stack([features[:, 0] > 0, features[:, 1] > 0.5, random.integers(0, 2, 600)], 1).astype("int32")
    classes, noise = np.digitize(features[:, 2], [-0.5, 0.5]), random.integers(0, 5, 600)
    probe = FrozenProbe(features[:400], features[400:])

    def read(y, binary=False):
        return probe.score(y[:400], y[400:], binary)

    assert read(labels[:, :2], True)[0] > 0.8 and read(labels[:, :2], True)[1] == 0.5
    assert 0.35 < read(labels[:, 2:].repeat(2, 1), True)[0] < 0.65
    score, chance = read(classes)
    assert score > chance + 0.25
    score, chance = read(noise)
    assert abs(score - chance) < 0.12
    assert read(np.zeros(600, "int32")) == (1.0, 1.0)
