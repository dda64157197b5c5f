"""How the networks of attacks are trained, through the attack on labels."""

import keras
import numpy as np
import pytest

from datamix_tf.attacks import AttackTraining, LabelAttack
from tests.datamix_tf.attacks.places import network, people, private, run


def test_a_cloud_with_the_whole_network_reads_what_it_computes():
    """Whatever training does to it (here: ruin), the network as it is counts too."""
    model = network()
    (x, _), (z, _) = people(256, 1), people(128, 2)
    read = [np.asarray(model(values)).argmax(1) for values in (x, z)]
    attack = LabelAttack(model, 3, binary=False, training=AttackTraining(epochs=1, learning_rates=(1e3,)))
    attack.fit((x, read[0]), (z, read[1]))
    assert attack.score((z, read[1])).score == 1.0


@pytest.mark.parametrize("model", [network(), private(4)])
def test_attacking_leaves_the_model_as_it_was(model):
    before, trainable = model.get_weights(), len(model.trainable_weights)
    run(model)
    assert len(model.trainable_weights) == trainable
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_best_configuration_counts_and_all_are_told():
    poor, good = 1e-6, 0.01
    training = AttackTraining(epochs=4, batch_size=32, learning_rates=(poor, good), starts=("fresh",))
    attack = LabelAttack(network(), 4, binary=False, training=training)
    attack.fit(people(1024, 1), people(256, 2))
    assert [tried["learning_rate"] for tried in attack.tried] == [poor, good]
    assert attack.tried[1]["valid"] == max(attack.tried[1]["curve"]) > attack.tried[0]["valid"]
    assert attack.score(people(512, 3)).score > 0.8
    assert attack.details["curve"] == attack.tried[1]["curve"]


def test_training_ends_when_nothing_gets_better():
    training = AttackTraining(epochs=50, patience=2, batch_size=32, learning_rates=(0.03,))
    attack = LabelAttack(network(), 4, binary=False, training=training)
    attack.fit(people(256, 1), people(128, 2))
    curve = attack.details["curve"]
    assert len(curve) < 50 and max(curve) == curve[-3]


def test_the_adversary_can_be_trained_as_the_obfuscation_paper_trains_it():
    """Adam at 1e-3, ten times lower after 20 and 40 of 50 epochs (section 5.1)."""
    optimizer = AttackTraining(optimizer="adam", schedule="steps").made_optimizer(1e-3, steps=500)
    assert type(optimizer) is keras.optimizers.Adam
    rates = [float(optimizer._learning_rate(step)) for step in (0, 199, 201, 399, 401, 499)]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5], rtol=1e-6)
    usual = AttackTraining().made_optimizer(1e-3, steps=500)
    assert type(usual) is keras.optimizers.AdamW and usual.weight_decay == 0.01
    with pytest.raises(ValueError, match="Expected an optimizer of adamw, adam and a schedule of cosine, steps"):
        AttackTraining(optimizer="sgd")
