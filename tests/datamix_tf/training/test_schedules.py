"""The schedule agrees with Keras's own."""

import keras
import numpy as np
import pytest

from datamix_tf.training.schedules import WarmupCosine


@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_it_is_keras_s_cosine_with_warm_up(warmup):
    ours = WarmupCosine(0.3, 40, warmup)
    theirs = (
        keras.optimizers.schedules.CosineDecay(0.0, 40, warmup_target=0.3, warmup_steps=warmup)
        if warmup
        else keras.optimizers.schedules.CosineDecay(0.3, 40)
    )
    for step in range(60):
        np.testing.assert_allclose(float(ours(step)), float(theirs(step)), rtol=1e-5, atol=1e-7)
    copy = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(ours))
    assert float(copy(5)) == float(ours(5))


def test_it_needs_steps():
    with pytest.raises(ValueError, match="steps above 0"):
        WarmupCosine(0.1, 0)
