"""Training against an identifier."""

import keras
import numpy as np

from datamix_tf.layers import FaceAnonymizer
from datamix_tf.training.adversarial import AdversarialTraining, adversary_for
from datamix_tf.transmission import obfuscation_of, transmitted


def faces(n, seed):
    """The task is in the left half, the person in the right one."""
    rng = np.random.default_rng(seed)
    task, person = rng.integers(0, 2, n), rng.integers(0, 4, n)
    x = 0.3 * rng.normal(size=(n, 8, 8, 3)).astype("float32")
    x[:, :, :4, 0] += 2.0 * task[:, None, None] - 1
    for k in range(4):
        x[person == k, 2 * k : 2 * k + 2, 4:, 1] += 2
    return x, task.astype("int32"), person.astype("int32")


def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = FaceAnonymizer(width=8, blocks=1)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.Conv2D(16, 3, 2, padding="same")(x))
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dense(32, activation="relu")(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(2)(x))


def trained(gamma):
    model = network()
    training = AdversarialTraining(model, adversary_for(model, 4), gamma=gamma, distance_weight=0.1)
    training.compile(
        keras.optimizers.Adam(1e-3),
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    x, task, person = faces(512, 0)
    history = training.fit(x, (task, person), batch_size=32, epochs=8, verbose=0).history
    return model, {name: values[-1] for name, values in history.items()}


def test_training_against_an_identifier_keeps_it_ignorant_and_the_task():
    (_, open_), (model, hidden) = trained(0.0), trained(1.0)
    # Without an adversary the identifier learns who it is; against it, no better than guessing one of four.
    assert open_["adversary"] < 0.3 and hidden["adversary"] > 0.8 * np.log(4)
    y, truth, _ = faces(512, 4)
    assert (np.asarray(model(y)).argmax(1) == truth).mean() > 0.9
    np.testing.assert_allclose(transmitted(model)(y), obfuscation_of(model)(y), atol=1e-5)


def test_the_identifier_starts_untrained():
    model = network()
    identifier = adversary_for(model, 7)
    assert identifier.output_shape == (None, 7)
    assert not np.allclose(identifier.weights[0], model.weights[-6])
