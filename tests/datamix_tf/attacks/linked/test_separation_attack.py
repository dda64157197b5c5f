"""Separated mixtures: keys that are found, and what is then read."""

import pytest

from datamix_tf.attacks import AttackTraining, KeyAttack, SeparatedLabelAttack, SeparatorTraining
from datamix_tf.attacks.linked.critic import CriticAscent
from datamix_tf.attacks.linked.separation import VIEWS, chance_agreement
from datamix_tf.attacks.linked.unmixing import UnmixingNetwork
from tests.datamix_tf.attacks.conftest import pictures
from tests.datamix_tf.attacks.raw_inputs import FEW, attacked, model_of, noise, spots

CRITIC = SeparatorTraining(steps=800, groups=8, learning_rate=2e-3, restarts=4, ascent_steps=60)
UNMIXING = SeparatorTraining(steps=250, groups=8, learning_rate=3e-3, restarts=4)


@pytest.mark.parametrize(
    "make", [lambda: CriticAscent(CRITIC), pytest.param(lambda: UnmixingNetwork(UNMIXING), marks=pytest.mark.slow)]
)
def test_learned_separators_beat_chance_where_there_is_something_to_learn(make):
    chance, spread = chance_agreement(4)
    score = attacked(KeyAttack(model_of((8, 8, 2)), [make()], groups=12), spots)
    assert score.score > chance + 4 * spread / 12**0.5 and score.n == 12 and score.chance == pytest.approx(chance)


@pytest.mark.parametrize(
    "make", [lambda: CriticAscent(FEW), pytest.param(lambda: UnmixingNetwork(FEW), marks=pytest.mark.slow)]
)
def test_learned_separators_find_nothing_in_white_gaussian_rows(make):
    chance, spread = chance_agreement(4)
    hidden = attacked(KeyAttack(model_of((48,)), [make()], groups=24), noise)
    assert abs(hidden.score - chance) < 4 * spread / 24**0.5


def test_a_group_s_mixtures_are_read_side_by_side(private):
    training = AttackTraining(epochs=12, batch_size=32, learning_rates=(0.01,))
    attack = SeparatedLabelAttack(private, 4, binary=False, training=training)
    attack.fit(pictures(600, 1), pictures(64, 2))
    score = attack.score(pictures(200, 3))
    assert score.n == 200
    # Chance is about 0.25; single mixtures of four hide the corner, the separated ones do not.
    assert score.score > 0.7
    keys = attack.keys.score(pictures(200, 4))
    assert keys.measure == "key_agreement" and keys.score > keys.chance + 0.15 and keys.n == 50
    assert {f"FastICA on {kind}" for kind in VIEWS} < set(keys.details["tried"])


def test_there_must_be_groups(private):
    with pytest.raises(ValueError, match="at least 2"):
        KeyAttack(private.unmixed())
