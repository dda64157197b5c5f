"""Methods of rows and entries, and results of attacks."""

import pytest
from msgspec.structs import replace

from components.errors import InputError
from components.records.attacks import AttackResult
from components.records.metrics import SummaryEntry
from components.records.serialising import plain
from datamix_tf.attacks import AttackScore
from datamix_tf.defences import DataMix
from tests import pages


def test_the_rows_behind_an_entry_have_its_defence():
    settings = [{"num_pre_blocks": 1, "group_size": size, "seed": seed} for size in (2, 4) for seed in (0, 1)]
    rows = [pages.row("datamix", f"model{index}", own) for index, own in enumerate(settings)]
    metrics = pages.metrics([pages.row("cloud", "plain"), *rows])
    cloud, *entries = metrics.summary
    assert cloud.settings == {} and [entry.defence for entry in entries] == [DataMix(1, 2), DataMix(1, 4)]
    assert entries[1].models == ("model2", "model3") and entries[1].seeds == 2
    assert [row.model for row in entries[1].members(metrics.rows)] == ["model2", "model3"]
    assert entries[1].label == metrics.rows[-1].label == "DataMix, N_pre=1, S_G=4"


def test_a_method_that_is_not_known_here_is_explained():
    (entry,) = pages.metrics([pages.row("datamix", "m", {"num_pre_blocks": 1, "group_size": 4})]).summary
    with pytest.raises(InputError, match="no method 'magic'"):
        _ = replace(entry, method="magic").defence
    with pytest.raises(InputError, match="the method datamix needs the setting 'group_size'; run it again"):
        _ = replace(entry, settings={"num_pre_blocks": 1}).label
    with pytest.raises(ValueError, match="the settings of SummaryEntry overwrite its fields seeds"):
        replace(entry, settings={"seeds": 3})
    assert isinstance(entry, SummaryEntry)


def test_a_result_is_its_score_with_the_classes():
    score = AttackScore(0.5, 0.25, 16, "accuracy", {"attack": "a network"})
    result = AttackResult.of(score, classes=4, id="label", threat="single", seconds=2.0)
    told = {"id": "label", "threat": "single", **score.to_dict(), "classes": 4, "seconds": 2.0}
    assert list(plain(result).items()) == list(told.items()) and result.is_share
    assert not AttackResult(skipped="too few").is_share
    assert not AttackResult.of(AttackScore(-0.5, -1.0, 4, "inverse_mse"), 2).is_share


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
