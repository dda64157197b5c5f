import keras
import numpy as np
import pytest

from datamix_tf.training.curriculum import MixingCurriculum
from tests.datamix_tf.small_models import data, private


def test_the_curriculum_mixes_few_groups_first_and_all_in_the_end():
    shares = []
    model = private()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
    record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: shares.append(float(model.mixed_share)))
    model.fit(*data(32), batch_size=16, epochs=8, verbose=0, callbacks=[MixingCurriculum(0.5), record])
    np.testing.assert_allclose(shares, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1])
    assert float(model.mixed_share) == 1
    with pytest.raises(ValueError, match="share_of_epochs"):
        MixingCurriculum(1.0)
