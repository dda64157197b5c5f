"""The registry of defences: order, names, descriptions."""

import json

import pytest

from datamix_tf import defences
from datamix_tf.defences import DataMix, Defence, register
from tests.datamix_tf.defences.kinds import KINDS


def test_ours_stand_in_the_order_of_the_papers_tables():
    ids = ["edge", "cloud", "edge_half", "noise", "blur", "anonymizer", "mixup", "obfuscation", "datamix"]
    more = ["linear_cloud", "edge_head", "obfuscated_datamix", "bottleneck"]
    assert [kind.id for kind in KINDS][:13] == [*ids, *more]


def test_a_defence_comes_back_from_its_description(defence):
    described = json.loads(json.dumps(defences.to_dict(defence)))
    assert defences.from_dict(described) == defence
    assert type(defence).of({"other": 1, **defence.settings}) == defence


def test_an_unknown_method_is_named_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no method 'other'; there are edge, cloud, .*--plugin MODULE"):
        defences.get("other")


def test_two_defences_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two methods 'datamix'"):

        @register
        class Other(DataMix):
            id = "datamix"

    with pytest.raises(ValueError, match="has none"):

        @register
        class Nameless(Defence):
            pass
