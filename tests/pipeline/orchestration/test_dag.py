"""What is recorded of executions, and when one is skipped."""

import base64
import json
import os
import shutil

import pytest
import sqlalchemy as sa

from components.errors import InputError
from pipeline.lineage import main as lineage
from pipeline.orchestration import dag
from pipeline.orchestration.command import opened_store
from pipeline.orchestration.store import ARTIFACTS, EXECUTIONS, FAILED
from serving.protocol import ohttp
from tests.pipeline.number_nodes import nodes, number


def test_what_is_unchanged_is_skipped_and_what_depends_on_a_change_is_not(run, tmp_path):
    assert run(nodes()) == ["constant", "double", "again"] and number(tmp_path, "again") == 4
    assert run(nodes()) == [] == run(nodes(note="a remark"))
    assert run(nodes(value=3)) == ["constant", "double", "again"] and number(tmp_path, "again") == 12
    # What was made of the older value has been replaced: it is not live, and made again.
    assert run(nodes()) == ["constant", "double", "again"] and number(tmp_path, "again") == 4
    assert run(nodes(), cache=False) == ["constant", "double", "again"]


def test_the_gateway_s_keys_go_into_the_bundle_by_their_fingerprints(tmp_path):
    path, configs = tmp_path / "gateway.keys", [ohttp.GatewayKey(number).config for number in (2, 1)]
    path.write_bytes(b"".join(config.to_bytes() for config in configs))
    found = dag.gateway_keys(str(path))
    assert list(found) == [config.fingerprint for config in configs]
    assert b"".join(map(base64.b64decode, found.values())) == path.read_bytes() and dag.gateway_keys(None) == {}
    path.write_bytes(path.read_bytes()[:-1])
    for name in (path, tmp_path / "none"):
        with pytest.raises(InputError, match=r"--gateway_keys .* cannot be used: "):
            dag.gateway_keys(str(name))


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


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_run_that_is_elsewhere_now_is_still_known(tmp_path, capsys, how, earlier):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    os.mkdir(first)
    with opened_store(None, first) as store:
        done = list(dag.run(nodes(), first, None, store, "command"))
        (made,) = [run for run in store.executions() if run["node"] == "again"]
        assert made["pipeline"] == first and made["outputs"][0]["uri"] == done[-1].outputs["number"].uri
        if earlier:  # what versions before this one wrote
            with store._engine.begin() as connection:
                connection.execute(sa.update(EXECUTIONS).values(pipeline=first))
                uri = sa.literal(first + "/") + ARTIFACTS.c.uri
                connection.execute(sa.update(ARTIFACTS).values(uri=uri))
    how(first, second)
    with opened_store(None, second) as store:
        done = list(dag.run(nodes(), second, None, store, "command"))
        assert all(entry.cached for entry in done)
    assert lineage([second, "--node", "again", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    uris = [artifact["uri"] for run in told for artifact in run["outputs"]]
    assert len(uris) == 3 and all(uri.startswith(second) and os.path.isdir(uri) for uri in uris)


@pytest.mark.parametrize("name", ["a.json", "pre.tflite", "model.keras"])
def test_an_artifact_with_an_empty_file_is_made_again(run, tmp_path, name):
    run(nodes())
    (tmp_path / "artifacts" / "double" / "number" / name).write_bytes(b"")
    assert run(nodes()) == ["double", "again"] and run(nodes()) == []
