"""The bottleneck's code without mixing: the same network as the mixed one, cut behind the code."""

import dataclasses

import numpy as np

from datamix_tf.defences import MixedBottleneck, NetworkSpec, UnmixedBottleneck
from datamix_tf.transmission import sent_shape, transmitted

SPEC = NetworkSpec((16, 16, 3), 2, False, 1, (120.0,) * 3, (3000.0,) * 3, width=4, hidden_units=4, seed=0)
X = np.random.default_rng(0).uniform(0, 255, (8, 16, 16, 3)).astype("float32")


def test_it_is_the_mixed_network_without_mixing():
    settings = {"bottleneck_units": 6, "bottleneck_bits": 12.0}
    mixed = MixedBottleneck(group_size=8, **settings).build(SPEC).unmixed()
    plain = UnmixedBottleneck(**settings).build(SPEC)
    assert [w.shape for w in plain.trainable_weights] == [w.shape for w in mixed.trainable_weights]
    assert sent_shape(plain) == (6,)


def test_what_is_sent_is_the_code_and_its_costs_are_the_encoder_s():
    mixed = MixedBottleneck(group_size=8)
    plain = UnmixedBottleneck()
    model = plain.build(SPEC)
    np.testing.assert_allclose(np.asarray(transmitted(model)(X)).std(), 1, atol=1)  # a code, not a picture: of order 1
    costs, mixed_costs = plain.costs(model, SPEC), mixed.costs(mixed.build(SPEC), SPEC)
    assert costs.bytes_up == mixed_costs.bytes_up == 4 * 64
    assert costs.bytes_down == 4 * 2 and costs.macs < mixed_costs.macs


def test_a_linear_cloud_is_one_map():
    def dense(cloud):
        model = dataclasses.replace(UnmixedBottleneck(), cloud=cloud).build(SPEC)
        return [layer.name for layer in model.layers if layer.name.startswith("block")]

    assert dense("linear") == [] and dense("network")
