"""Methods of rows and entries."""

import pytest
from msgspec.structs import replace

from components.errors import InputError
from components.records.metrics import SummaryEntry
from datamix_tf.defences import DataMix
from tests import pages


def test_the_rows_behind_an_entry_have_its_defence():
    settings = [{"num_pre_blocks": 1, "group_size": size, "seed": seed} for size in (2, 4) for seed in (0, 1)]
    rows = [pages.row("datamix", f"model{index}", own) for index, own in enumerate(settings)]
    metrics = pages.metrics([pages.row("cloud", "plain"), *rows])
    cloud, *entries = metrics.summary
    assert cloud.settings == {} and [entry.defence for entry in entries] == [DataMix(1, 2, False), DataMix(1, 4, False)]
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
