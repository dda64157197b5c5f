"""What attacks are expected to take."""

import pytest

from components.attack_seconds import expected_seconds, is_short
from components.attacker import AttackConfig
from datamix_tf.attacks.catalogue import OURS


def test_time_grows_with_what_an_attack_is_trained_by():
    network, critic, quick = (AttackConfig("m", attack=id) for id in ("label_network", "key_critic", "known_one"))
    longer = (AttackConfig("m", attack=c.attack, epochs=20, steps=2400) for c in (network, critic, quick))
    ratios = [
        expected_seconds(after) / expected_seconds(c) for after, c in zip(longer, (network, critic, quick), strict=True)
    ]
    assert ratios == pytest.approx([2, 3, 1])


def test_attacks_of_every_run_are_short_and_trained_ones_are_not():
    for spec in OURS:
        config = AttackConfig("m", attack=spec.id)
        assert is_short(config) or not spec.quick, spec.id
        assert not is_short(config) or not spec.grows_with, spec.id
