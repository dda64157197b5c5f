import keras
import numpy as np
import pytest

from datamix_tf.layers import PairedLogits
from datamix_tf.models import resnet18
from datamix_tf.transmission import cloud_body, cloud_classifier
from tests.datamix_tf.layer_test import run_layer_test


def test_a_pair_s_softmax_is_the_sigmoid_of_its_difference():
    pairs = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    paired = run_layer_test(PairedLogits(), pairs)
    softmax = keras.ops.softmax(pairs.reshape(5, 3, 2))[..., 1]
    np.testing.assert_allclose(keras.ops.sigmoid(paired), softmax, rtol=1e-5)
    labels = np.array([[0, 1, 1]] * 5)
    one = keras.losses.BinaryCrossentropy(from_logits=True)(labels, paired)
    two = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, pairs.reshape(5, 3, 2))
    assert float(one) == pytest.approx(float(two), rel=1e-5)


def test_an_odd_number_of_logits_is_explained():
    with pytest.raises(ValueError, match="two logits for each label"):
        PairedLogits()(np.zeros((2, 3), "float32"))


def test_an_attacker_starts_from_the_classifier_behind_the_pairs():
    network = resnet18((16, 16, 3), 6, width=4)
    model = keras.Model(network.inputs[0], PairedLogits()(network.outputs[0]))
    x = np.random.default_rng(1).normal(size=(3, 16, 16, 3)).astype("float32")
    kernel, bias = cloud_classifier(model)
    np.testing.assert_allclose(np.asarray(cloud_body(model)(x)) @ kernel + bias, model(x), rtol=1e-4, atol=1e-5)
