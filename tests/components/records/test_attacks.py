"""Results of attacks."""

import pytest

from components.records.attacks import AttackResult
from components.records.serialising import converted, plain
from datamix_tf.attacks import AttackScore


def test_a_result_is_its_score_with_the_classes():
    score = AttackScore(0.5, 0.25, 16, "accuracy", {"attack": "a network"})
    result = AttackResult.of(score, classes=4, id="label", threat="single", seconds=2.0)
    told = {"id": "label", "threat": "single", **score.to_dict(), "classes": 4, "seconds": 2.0}
    assert list(plain(result).items()) == list(told.items()) and result.is_share
    assert not AttackResult(skipped="too few").is_share
    assert not AttackResult.of(AttackScore(-0.5, -1.0, 4, "inverse_mse"), 2).is_share


def test_threat_models_of_older_files_have_today_s_names():
    told = {"threat": "candidate", "score": 0.9, "chance": 0.5, "n": 8, "measure": "auc"}
    assert converted(told, AttackResult).threat == "linked"
    assert converted({**told, "threat": "pooled"}, AttackResult).threat == "pooled"


@pytest.mark.parametrize("name", ["score", "chance", "n", "measure", "standard_error"])
def test_details_overwrite_no_figure(name):
    with pytest.raises(ValueError, match=f"details of a score must not overwrite its {name}; rename"):
        AttackScore(0.5, 0.25, 16, "accuracy", {"attack": "a network", name: 1.0})


@pytest.mark.parametrize("name", ["model", "name", "threat", "skipped", "seconds"])
def test_details_overwrite_nothing_of_a_result(name):
    score = AttackScore(0.5, 0.25, 16, "accuracy", {name: "own"})
    with pytest.raises(ValueError, match=f"the details of AttackResult overwrite its fields {name}; rename"):
        AttackResult.of(score, 2)


def test_an_attack_is_measured_or_skipped():
    with pytest.raises(ValueError, match="must have score, chance, n and measure, or be skipped"):
        AttackResult(score=0.5, chance=0.25, measure="accuracy")
