"""Runs that are recorded, and folders of finished ones."""

import os

import pytest

from components.storage.artifacts import write_json
from pipeline.orchestration import dag
from pipeline.orchestration.store import open_store
from tests import pages


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/lineage.db", str(tmp_path)) as store:
        yield store


@pytest.fixture
def run(tmp_path, store):
    """Runs the nodes; returns the names of those that were not skipped."""

    def run(nodes, **extent):
        done = dag.run(nodes, str(tmp_path), None, store, "command", dag.Extent(**extent))
        return [entry.node.name for entry in done if not entry.cached]

    return run


@pytest.fixture
def make(tmp_path):
    """A function that makes the output folder of a finished run."""

    def made(name, **what):
        folder = tmp_path / name
        report = folder / "artifacts" / "reporter" / "report"
        os.makedirs(report / "figures")
        write_json(str(report / "page.json"), pages.page(**what))
        rows = [pages.row("cloud", "plain-seed0")]
        write_json(str(folder / "metrics.json"), pages.metrics(rows, f"python -m pipeline.run --output {name}"))
        return str(folder)

    return made
