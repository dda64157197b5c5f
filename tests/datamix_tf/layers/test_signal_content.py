"""Signal content as layers."""

import numpy as np
import pytest
from hypothesis import given, settings

from datamix_tf.layers import Mix, OrthogonalKeys, SignalContent, SignalRebuild
from tests.datamix_tf.layer_test import run_layer_test
from tests.datamix_tf.layers.strategies import seeds


@settings(max_examples=10)
@given(seed=seeds)
def test_it_commutes_with_mixing(seed):
    rng = np.random.default_rng(seed)
    layer = SignalContent((6, 6, 2), 5, size=(3, 3), padding=((1, 1), (1, 1)))
    layer.basis.assign(rng.normal(size=(18, 5)))
    z = rng.normal(size=(8, 6, 6, 2)).astype("float32")
    keys = OrthogonalKeys(4, seed=seed % 1000)(z)
    np.testing.assert_allclose(Mix()(layer(z), keys), layer(Mix()(z, keys)), atol=1e-3)


def test_they_are_keras_layers():
    z = np.random.default_rng(0).normal(size=(2, 6, 6, 2)).astype("float32")
    where = {"size": (3, 3), "padding": ((1, 1), (1, 1)), "strides": (2, 2)}
    alpha = run_layer_test(SignalContent((6, 6, 2), 5, **where), z)
    assert alpha.shape == (2, 3, 3, 5)
    assert run_layer_test(SignalRebuild((6, 6, 2), 5, **where), np.asarray(alpha)).shape == (2, 3, 3, 18)
    run_layer_test(SignalContent((6, 6, 2), 5, distortion=1.0), z)
    run_layer_test(SignalRebuild((6, 6, 2), 5), np.zeros((2, 5), "float32"))
    for wrong in ({"rank": 0}, {"rank": 73}, {"rank": 2, "distortion": -1.0}):
        with pytest.raises(ValueError, match=r"rank|distortion"):
            SignalContent((6, 6, 2), **wrong)
