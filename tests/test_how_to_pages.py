"""The code of how-to pages, run as a reader who copies it would."""

import re
import sys

import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from datamix_tf.defences import all_defences, registry
from pipeline.options import parse
from tests.conftest import REPOSITORY


def code(page):
    """The first Python block of a page."""
    text = (REPOSITORY / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The module of the page on defences; it is forgotten afterwards."""
    (tmp_path / "mine.py").write_text(code("add-a-defence.md"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry.DEFENCES, "items", dict(registry.DEFENCES.items))
    yield "mine"
    sys.modules.pop("mine", None)


def test_the_defence_of_the_page_is_a_method_of_a_run(mine):
    options, _ = parse(["--plugin", mine, "--methods", "cloud,dim,datamix", "--dim", "2,4"])
    found = list(all_defences()["dim"].variants(options))
    assert [defence.label for defence in found] == ["dimmed by 2", "dimmed by 4"]
    layer = found[1].layer(seed=0)
    np.testing.assert_array_equal(layer(np.full((2, 3), 8.0, np.float32)), np.full((2, 3), 2.0))
    assert type(layer).from_config(layer.get_config()).by == 4


def test_the_data_set_of_the_page_is_read():
    names = {"__name__": "stripes"}
    exec(code("add-a-data-set.md"), names)
    source = names["Stripes"]()

    def read(examples):
        assert len(examples) == len({example.name for example in examples}) == 600
        assert {example.labels["direction"] for example in examples} == {"flat", "upright"}

    with TestPipeline() as pipeline:
        assert_that(pipeline | source.read(), read)
    assert source.classes("direction") == 2
