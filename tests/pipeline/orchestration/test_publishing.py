"""The page as a run publishes it, and one page over several runs; on made-up runs."""

import json
import os
import subprocess
import sys

import pytest

from components.errors import InputError
from components.storage.artifacts import write_json
from pipeline.compare import main
from pipeline.orchestration.publishing import audit_of, lineage_of, publish_report, run_page
from pipeline.orchestration.store import Identity, open_store
from tests import pages
from tests.conftest import REPOSITORY

INPUTS = {"transform": (), "trainer": ("transform",), "auditor": ("transform", "trainer"), "reporter": ("trainer",)}


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
        assert "The audit, candidate" in file.read()
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


def test_several_runs_on_one_page(make, tmp_path, capsys):
    runs = [make("faces"), make("speech", kind="audio", leaking=0.75)]
    output = tmp_path / "both.html"
    assert main([*runs, "--output", str(output)]) == 0
    assert "2 runs on one page" in capsys.readouterr().out
    page = output.read_text(encoding="utf-8")
    points = json.loads(page.split('id="points">')[1].split("</script>")[0])["points"]
    assert len(points) == 6 and points[0]["label"] == "faces: all on the edge"
    for text in ("<h3>faces</h3>", "<h3>speech</h3>", "pipeline.run --output speech"):
        assert text in page
    assert not os.path.exists(os.path.join(runs[0], "lineage.db"))  # looking at a run leaves nothing in it


def test_runs_of_one_name_are_told_apart(make, tmp_path):
    runs = [make("a/run"), make("b/run")]
    assert main([*runs, "--output", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"<h3>{run}</h3>" in page for run in runs)


def test_folders_that_are_no_finished_runs_are_one_clear_error(make, tmp_path, capsys):
    run, half = make("run"), make("half")
    os.remove(os.path.join(half, "artifacts", "reporter", "report", "page.json"))
    output = str(tmp_path / "page.html")
    for arguments, message in (
        ([run, "/nowhere"], "'/nowhere' is no folder"),
        ([run, str(tmp_path)], "has no metrics.json; run it"),
        ([run, half], "has no artifacts/reporter/report/page.json; run it (again"),
        ([run, f"{run}/../run"], "is named more than once"),
    ):
        assert main([*arguments, "--output", output]) == 2
        error = capsys.readouterr().err
        assert message in error and error.startswith("error: ") and error.count("\n") == 1
    assert not os.path.exists(output)
    assert main([run, "--output", str(tmp_path / "missing" / "page.html")]) == 1
    with pytest.raises(InputError):
        run_page(str(tmp_path))


def test_help_explains_every_flag():
    command = [sys.executable, "-m", "pipeline.compare", "--help"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert all(flag in result.stdout for flag in ("RUN", "--output", "--lineage"))
