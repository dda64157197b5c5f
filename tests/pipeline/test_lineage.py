"""What is recorded of executions, and when one is skipped; on components that only write a number."""

import dataclasses
import json
import os

import pytest

from components.base import Component, ComponentSpec
from components.errors import InputError
from components.storage.artifacts import Artifact
from pipeline.lineage import main
from pipeline.orchestration import dag
from pipeline.orchestration.cache_key import plain
from pipeline.orchestration.lock import locked
from pipeline.orchestration.store import COMPLETE, FAILED, LineageStore, open_store


class Number(Artifact):
    """A file with a number."""


class Constant(Component):
    spec = ComponentSpec(inputs={}, outputs={"number": Number}, parameters={"value": int, "note": str})
    without_effect = ("note",)

    def execute(self, inputs, outputs, options):
        with open(outputs["number"].path("number"), "w", encoding="utf-8") as file:
            file.write(str(self.parameters["value"]))


class Double(Component):
    spec = ComponentSpec(inputs={"number": Number}, outputs={"number": Number}, parameters={"fail": bool})

    def execute(self, inputs, outputs, options):
        if self.parameters["fail"]:
            raise RuntimeError("no memory")
        with open(inputs["number"].path("number"), encoding="utf-8") as file:
            doubled = 2 * int(file.read())
        with open(outputs["number"].path("number"), "w", encoding="utf-8") as file:
            file.write(str(doubled))


def nodes(value=1, note="", fail=False):
    return [
        dag.Node("constant", Constant(value=value, note=note), {}),
        dag.Node("double", Double(fail=fail), {"number": ("constant", "number")}),
        dag.Node("again", Double(fail=False), {"number": ("double", "number")}),
    ]


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


def number(tmp_path, node):
    return int((tmp_path / "artifacts" / node / "number" / "number").read_text())


def test_what_is_unchanged_is_skipped_and_what_depends_on_a_change_is_not(run, tmp_path):
    assert run(nodes()) == ["constant", "double", "again"] and number(tmp_path, "again") == 4
    assert run(nodes()) == [] == run(nodes(note="a remark"))
    assert run(nodes(value=3)) == ["constant", "double", "again"] and number(tmp_path, "again") == 12
    # What was made of the older value has been replaced: it is not live, and made again.
    assert run(nodes()) == ["constant", "double", "again"] and number(tmp_path, "again") == 4
    assert run(nodes(), cache=False) == ["constant", "double", "again"]


def test_what_is_gone_is_made_again(run, tmp_path):
    run(nodes())
    os.rename(tmp_path / "artifacts" / "double" / "number", tmp_path / "elsewhere")
    assert run(nodes()) == ["double", "again"] and number(tmp_path, "again") == 4


def test_a_failure_is_recorded_and_leaves_nothing_live(run, store, tmp_path):
    run(nodes())
    with pytest.raises(RuntimeError):
        run(nodes(fail=True))
    assert [(entry["node"], entry["error"]) for entry in store.executions() if entry["state"] == FAILED] == [
        ("double", "RuntimeError: no memory")
    ]
    assert number(tmp_path, "double") == 2  # the older one is still whole, but not live
    assert store.live("double") == {} and run(nodes()) == ["double", "again"]


def test_a_killed_execution_is_run_again(run, store):
    run(nodes())
    killed = nodes()[1]
    (artifact,) = store.live("constant").values()
    store.start("double", dag.identity(killed.component, {"number": artifact}), "command")  # and nothing more
    assert run(nodes()) == ["double", "again"]
    assert [entry["error"] for entry in store.executions() if entry["state"] == FAILED] == ["the run was stopped"]


def test_a_part_of_the_pipeline(run, tmp_path):
    with pytest.raises(InputError, match="needs what constant makes"):
        run(nodes(), from_node="double")
    assert run(nodes(), to_node="double") == ["constant", "double"]
    # Nodes before the first are taken as they are, even if their settings are others now.
    assert run(nodes(value=5), from_node="again") == ["again"] and number(tmp_path, "again") == 4
    for extent, message in (
        ({"from_node": "half"}, "--from_node takes constant, double, again"),
        ({"from_node": "again", "to_node": "constant"}, "comes after"),
    ):
        with pytest.raises(InputError, match=message):
            run(nodes(), **extent)


def test_the_command_explains_what_was_made_of_what(run, tmp_path, capsys):
    run(nodes(value=7))
    run(nodes(value=8))
    assert main([str(tmp_path), "--node", "again"]) == 0
    text = capsys.readouterr().out
    assert text.index("again") < text.index("double") < text.index("constant") and "value: 8" in text
    assert "value: 7" not in text and "from double.number" in text and "versions: python" in text
    assert main([str(tmp_path), "--all"]) == 0
    assert capsys.readouterr().out.count("complete") == 6
    assert main([str(tmp_path), "--node", "again", "--format", "dot"]) == 0
    assert capsys.readouterr().out.count("->") == 5  # three made, two taken
    assert main([str(tmp_path), "--format", "json", "--all"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 6
    assert main([str(tmp_path)]) == 2 and "finished ones: constant, double, again" in capsys.readouterr().err
    assert main([str(tmp_path / "artifacts")]) == 2 and "has no lineage.db" in capsys.readouterr().err


def test_pipelines_share_a_database(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    for name in ("one", "two"):
        with open_store(url, name) as store:
            done = list(dag.run(nodes(), str(tmp_path / name), None, store, "command"))
            assert not any(entry.cached for entry in done)
            assert len(store.executions()) == 3 and {e["state"] for e in store.executions()} == {COMPLETE}
    with pytest.raises(InputError, match="expected a database"):
        LineageStore("nowhere://", "one")
    with pytest.raises(InputError, match="cannot be opened"):
        LineageStore(f"sqlite:///{tmp_path}/no/such/folder.db", "one")


def test_parameters_become_plain_data():
    @dataclasses.dataclass
    class Setting:
        sizes: tuple

    described, nothing = plain([Setting((1, 2)), {"a": None}])
    code = described.pop("code")  # it is not the project's: its own code counts
    assert described == {"type": Setting.__qualname__, "sizes": [1, 2]} and len(code) == 64 and nothing == {"a": None}
    with pytest.raises(TypeError, match="plain data"):
        plain(object())


def test_a_second_run_on_the_same_folder_refuses(tmp_path):
    with locked(str(tmp_path)), pytest.raises(InputError, match=f"process {os.getpid()}"), locked(str(tmp_path)):
        pass
    with locked(str(tmp_path)):
        pass
