import keras
import numpy as np
import pytest

from datamix_tf.costs import count_params
from datamix_tf.layers import FaceAnonymizer
from datamix_tf.layers.anonymizer import generator
from tests.datamix_tf.layer_test import run_layer_test


def test_it_is_a_keras_layer():
    run_layer_test(FaceAnonymizer(width=4, blocks=1), np.zeros((2, 8, 12, 3), "float32"))


def test_its_parameters_are_the_papers():
    """Table 2: 11.38M."""
    model = generator((218, 178, 3))
    assert round(count_params(model) / 1e6, 2) == 11.38
    assert model.output_shape == (None, 218, 178, 3)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "bfloat16"])
def test_it_computes_in_its_own_precision(policy):
    layer = FaceAnonymizer(width=4, blocks=1, dtype=policy)
    found = layer(np.zeros((2, 8, 12, 3), "float32"))
    assert keras.backend.standardize_dtype(found.dtype) == layer.compute_dtype
    assert layer.generator.layers[1].dtype_policy.name == policy
