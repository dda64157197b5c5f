"""What is told of attacks before they run, and the bar over them."""

import io

import pytest

from components.attack_bar import AttackBar, EpochsOfAttack, expected_seconds, forecast, is_short
from components.attacker import AttackConfig
from datamix_tf.attacks.catalogue import OURS, get_attack


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


def test_the_forecast_names_the_long_ones_and_the_sum_the_longest_last():
    configs = [AttackConfig(m, attack=id) for m in "ab" for id in ("key_critic", "known_one", "label_network")]
    first, short, *long = forecast(configs).splitlines()
    assert first.startswith("6 attacks, about ") and " min on 2 cores" in first
    assert "1 that train nothing or little" in short
    assert [line.split(":")[0].strip() for line in long] == [
        get_attack(id).name for id in ("label_network", "key_critic")
    ]


def test_the_bar_reaches_its_end_however_epochs_go(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    bar = AttackBar(30.0)
    epochs = EpochsOfAttack(bar, 20.0)
    epochs.set_params({"epochs": 4})
    bar.start("a network")
    for epoch in range(6):  # two learning rates, say: more epochs than one training has
        epochs.on_epoch_end(epoch)
    assert bar.done == pytest.approx(20)
    bar.finish(20.0, "a network: 0.7")
    assert bar.bar.n == 20 and "a network: 0.7" in shown.getvalue()
    bar.finish(10.0)
    assert bar.bar.disable or bar.bar.n == 30
