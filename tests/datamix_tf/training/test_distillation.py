"""The loss that follows a teacher, against its formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, log_expit, log_softmax, softmax

from datamix_tf.training.distillation import Distillation, with_teacher

RANDOM = np.random.default_rng(0)
LOGITS, TEACHER = RANDOM.normal(size=(2, 6, 4)).astype("float32")


def entropy(binary, target, logits):
    if binary:
        return -(target * log_expit(logits) + (1 - target) * log_expit(-logits)).mean(-1)
    return -(target * log_softmax(logits, -1)).sum(-1)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_it_is_the_formula(binary, share):
    labels = (
        RANDOM.integers(0, 2, (6, 4)).astype("float32") if binary else np.eye(4, dtype="float32")[[0, 1, 2, 3, 0, 1]]
    )
    soft = expit(TEACHER / 3) if binary else softmax(TEACHER / 3, -1)
    expected = (1 - share) * entropy(binary, labels, LOGITS) + share * 9 * entropy(binary, soft, LOGITS / 3)
    loss = Distillation(share, binary, temperature=3.0)
    found = loss(np.concatenate([labels, TEACHER], -1), LOGITS)
    np.testing.assert_allclose(found, expected.mean(), rtol=1e-5)
    assert Distillation.from_config(loss.get_config()).get_config() == loss.get_config()


def test_the_share_is_checked():
    with pytest.raises(ValueError, match="share from 0 to 1"):
        Distillation(1.5, binary=False)


@pytest.mark.parametrize(
    "labels", [np.array([0, 3, 1]), np.eye(4)[[0, 3, 1]].astype("int32")], ids=["classes", "binary"]
)
def test_labels_stand_beside_the_teachers_logits(labels):
    inputs = keras.Input((5,))
    teacher = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Dropout(0.9)(inputs)))
    x = RANDOM.normal(size=(3, 5)).astype("float32")
    ((seen, y),) = with_teacher(tf.data.Dataset.from_tensors((x, labels)), teacher, 4)
    np.testing.assert_array_equal(seen, x)
    np.testing.assert_array_equal(y[:, :4], np.eye(4)[[0, 3, 1]])
    np.testing.assert_allclose(y[:, 4:], teacher(x), rtol=1e-5, atol=1e-6)
