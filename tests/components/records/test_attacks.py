"""Results of attacks."""

import dataclasses

import pytest

from components.records.attacks import AttackResult
from components.records.serialising import converted, plain
from datamix_tf.attacks import AttackScore


def test_a_result_is_its_score_with_the_classes():
    score = AttackScore(0.5, 0.25, 16, "accuracy", {"attack": "a network"})
    result = AttackResult.of(score, classes=4, id="label", threat="single", seconds=2.0)
    told = {"id": "label", "threat": "single", **score.to_dict(), "classes": 4, "seconds": 2.0}
    assert list(plain(result).items()) == list(told.items()) and result.is_share
    assert converted(plain(result), AttackResult).ends == score.interval
    guessed = dataclasses.replace(score, guess=0.2)
    assert plain(AttackResult.of(guessed, classes=5))["guess"] == 0.2
    assert not AttackResult(skipped="too few").is_share
    assert not AttackResult.of(AttackScore(-0.5, -1.0, 4, "inverse_mse", spread=0.1), 2).is_share


def test_threat_models_of_older_files_have_today_s_names():
    told = {"threat": "candidate", "score": 0.9, "chance": 0.5, "n": 8, "measure": "auc"}
    assert converted(told, AttackResult).threat == "linked"
    assert converted({**told, "threat": "pooled"}, AttackResult).threat == "pooled"


def test_results_of_older_versions_have_no_interval_and_tell_one():
    older = converted(
        {"score": 0.5, "chance": 0.25, "n": 16, "measure": "accuracy", "standard_error": 0.1}, AttackResult
    )
    assert older.interval is None is older.guess and older.ends == pytest.approx((0.304, 0.696))
    assert converted({"score": 0.5, "chance": 0.25, "n": 16, "measure": "accuracy"}, AttackResult).ends is None


@pytest.mark.parametrize("name", ["score", "chance", "guess", "n", "measure", "standard_error", "interval"])
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
