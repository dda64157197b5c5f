"""The page as a run publishes it; on made-up runs."""

import os

from components.storage.artifacts import write_json
from pipeline.orchestration.publishing import audit_of, lineage_of, publish_report
from pipeline.orchestration.store import Identity, open_store
from tests import pages

INPUTS = {"transform": (), "trainer": ("transform",), "auditor": ("transform", "trainer"), "reporter": ("trainer",)}


def execute(store, node, taken, uri):
    """Records a finished execution of a node; returns the id of its artifact."""
    identity = Identity(f"components.{node}", "code" * 4, {"setting": node}, taken, {"python": "3"}, f"key of {node}")
    return store.finish(store.start(node, identity, f"command of {node}"), {"made": (node.title(), uri)})["made"]


def execute_all(store, folder):
    audit = os.path.join(folder, "artifacts", "auditor", "audit")
    os.makedirs(audit)
    write_json(os.path.join(audit, "audit.json"), pages.audit())
    ids = {}
    for node, taken in INPUTS.items():
        ids[node] = execute(store, node, {name: ids[name] for name in taken}, audit)
    return ids


def test_what_is_published_tells_lineage_command_and_audit(make):
    folder = make("run")
    with open_store(f"sqlite:///{folder}/lineage.db", folder) as store:
        execute_all(store, folder)
        publish_report(store, folder)
    with open(os.path.join(folder, "report.html"), encoding="utf-8") as file:
        page = file.read()
    for text in (
        "--output run</pre>",
        "command of trainer",
        "setting: &#34;transform&#34;",
        "not protected against it",
    ):
        assert text in page
    assert "not been audited" not in page and "command of auditor" not in page  # the page was not made of the audit
    with open(os.path.join(folder, "model_card.md"), encoding="utf-8") as file:
        assert "The audit, linked" in file.read()
    assert os.path.isdir(os.path.join(folder, "figures"))


def test_an_audit_of_models_that_are_no_more_is_not_told(make):
    folder = make("run")
    with open_store(f"sqlite:///{folder}/lineage.db", folder) as store:
        ids = execute_all(store, folder)
        assert audit_of(store.executions()).scores
        execute(store, "trainer", {"examples": ids["transform"]}, folder)  # trained again
        assert audit_of(store.executions()) is None
        assert lineage_of(store.executions())[0]["node"] == "reporter"
    assert audit_of([]) is None and lineage_of([]) == []


def test_a_node_that_runs_again_takes_the_report_s_lineage_with_it(make):
    folder = make("run")
    with open_store(f"sqlite:///{folder}/lineage.db", folder) as store:
        ids = execute_all(store, folder)
        first = lineage_of(store.executions())
        execute(store, "reporter", {"models": ids["trainer"]}, folder)
        again = lineage_of(store.executions())
    assert [step["node"] for step in again] == ["reporter", "trainer", "transform"]
    assert again[1:] == first[1:] and all(step["settings"] for step in again)
