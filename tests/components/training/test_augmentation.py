import keras
import numpy as np
import pytest
import tensorflow as tf

from components.errors import InputError
from components.training.augmentation import Augmentation

X = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).repeat(24, 0).astype("uint8")


def drawn(augment, *numbers):
    augmented = Augmentation("image", 3, augment)
    data = tf.data.Dataset.from_tensor_slices(tf.constant(numbers, tf.int64))
    made = data.map(lambda number: augmented(tf.constant(X), tf.stack([tf.constant(3, tf.int64), number])))
    return list(made.as_numpy_iterator())


@pytest.mark.parametrize("augment", ["shift", "flip", "randaugment"])
def test_each_example_is_changed_in_its_own_way_and_the_seeds_alone_decide(augment):
    first, second, again = drawn((augment,), 0, 1, 0)
    assert first.shape == X.shape and first.dtype == np.float32 and 0 <= first.min() <= first.max() <= 255
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    ways = {picture.tobytes() for picture in first}
    assert len(ways) == 2 if augment == "flip" else len(ways) > 5


def test_randaugment_is_for_colour_pictures():
    for kind, channels in (("audio", 1), ("image", 1)):
        with pytest.raises(InputError, match=f"colour pictures; received {kind} of 1"):
            Augmentation(kind, channels, ("shift", "randaugment"))


@pytest.mark.slow
def test_augmentation_leaves_keras_s_random_state_alone():
    keras.utils.set_random_seed(5)
    drawn(("randaugment",), 0)
    after = np.asarray(keras.random.normal((3,)))
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(after, np.asarray(keras.random.normal((3,))))
