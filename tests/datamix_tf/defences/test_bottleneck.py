"""The mixed bottleneck: trained in small groups, used in large ones."""

import numpy as np

from components.training.data import whole_batch_size
from datamix_tf.defences import MixedBottleneck, NetworkSpec

SPEC = NetworkSpec((16, 16, 3), 2, False, 1, (0.0,) * 3, (1.0,) * 3, width=4, hidden_units=4, seed=0)


def test_large_groups_are_trained_in_small_ones():
    defence = MixedBottleneck(group_size=192, bottleneck_units=6, bottleneck_bits=12.0)
    trained = defence.build(SPEC)
    assert (defence.trained_group_size, trained.group_size) == (32, 32)
    assert whole_batch_size(64, defence.trained_group_size) == 64
    first, last = defence.stages(7, 5)
    assert (first.epochs, last.epochs) == (7, 0)
    used = last.change(trained, SPEC, None)
    assert used.group_size == 192
    mixtures = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    answers = [np.asarray(model.main(mixtures)) for model in (trained, used)]
    np.testing.assert_array_equal(*answers)
    assert used.pre is trained.pre and used.post is trained.post


def test_small_groups_are_trained_as_they_are():
    defence = MixedBottleneck(group_size=8)
    model = defence.build(SPEC)
    assert model.group_size == 8 and defence.stages(1, 1)[1].change(model, SPEC, None) is model
