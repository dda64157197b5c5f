"""The table in docs/how-to/resume.md: which components a changed flag repeats."""

import re

import pytest

from pipeline.datasets import open_dataset
from pipeline.options.run_options import parse
from pipeline.orchestration import dag
from pipeline.orchestration.cache_key import identity
from tests import datasets
from tests.conftest import REPOSITORY

ROW = re.compile(r"^\| `(--[^|]*)` \| ([a-z_, ]*|all|nothing) \|$", re.MULTILINE)


def rows():
    text = (REPOSITORY / "docs" / "how-to" / "resume.md").read_text()
    return ROW.findall(text[text.index("## What is skipped") : text.index("## What goes on")])


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return datasets.zipped(datasets.pictures(tmp_path_factory.mktemp("data") / "faces", n=120))


def nodes(faces, flags):
    options, _ = parse(["--dataset", f"folder:{faces}", "--methods", "datamix", *flags])
    source = open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)
    return dag.build(options, source)


def repeated(before, after):
    """Nodes whose own key changes, and those behind them."""
    changed = []
    for old, new in zip(before, after, strict=True):
        keys = {identity(node.component, dict.fromkeys(node.inputs, "an artifact")).cache_key for node in (old, new)}
        if len(keys) > 1 or any(producer in changed for producer, _ in new.inputs.values()):
            changed.append(new.name)
    return changed


@pytest.mark.parametrize(("flags", "components"), rows())
def test_a_flag_repeats_what_depends_on_it(faces, flags, components):
    before, after = nodes(faces, []), nodes(faces, flags.split())
    names = [node.name for node in before]
    expected = {"all": names, "nothing": []}.get(components) or components.split(", ")
    assert repeated(before, after) == (expected if components != "nothing" else [])


def test_the_table_has_rows():
    assert len(rows()) >= 12
