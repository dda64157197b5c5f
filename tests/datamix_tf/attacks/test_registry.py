"""The registry of attacks: someone else's has its place beside ours."""

import dataclasses

import pytest

from datamix_tf.attacks import registry
from datamix_tf.attacks.catalogue import all_attacks, get_attack
from datamix_tf.attacks.registry import AttackSpec, register_attack


def test_an_attack_of_someone_else_s_has_a_threat_model_and_an_id_of_its_own(monkeypatch):
    monkeypatch.setattr(registry.ATTACKS, "items", dict(registry.ATTACKS.items))
    own = AttackSpec("own", "an attack of one's own", "single", lambda subject: None)
    assert register_attack(own) is own and list(all_attacks())[-1] == "own" and get_attack("own") is own
    with pytest.raises(ValueError, match="must have a threat of single, linked"):
        register_attack(dataclasses.replace(own, threat="other"))
    with pytest.raises(ValueError, match="two attacks 'linker'"):
        register_attack(dataclasses.replace(own, id="linker"))
    with pytest.raises(ValueError, match="no attack 'other'; there are label, set"):
        get_attack("other")


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        (AttackSpec("own", "{task} set", "single", None, labels=True), "keyword set"),
        (AttackSpec("own", "my network", "single", None, labels=True), "keyword by my network"),
        (AttackSpec("own", "my key", "linked", None), "my key"),
    ],
)
def test_titles_name_the_label_that_is_read(spec, title):
    assert spec.title("keyword") == title


def test_who_sees_one_tensor_needs_a_key_only_if_it_says_so():
    own = AttackSpec("own", "an attack of one's own", "single", None)
    assert not own.needs_key and dataclasses.replace(own, mixed=True).needs_key
    assert dataclasses.replace(own, threat="pooled").needs_key
    assert get_attack("membership_single").needs_key and not get_attack("label").needs_key
