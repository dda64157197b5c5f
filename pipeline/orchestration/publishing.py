"""The page of a run, with what only the pipeline knows: its lineage, its command, and an audit of the same models.

Rendered anew at every publication, so that nothing of it is stale while the component behind it is skipped.
"""

from __future__ import annotations

import json
import os

from components.errors import InputError
from components.records.audit import AUDIT_FILE, AuditReport
from components.records.metrics import METRICS_FILE, Metrics
from components.records.page import PAGE_FILE, Page
from components.records.serialising import read
from components.report.page import CARD, RunPage, model_card, render
from components.reporter import REPORT
from components.storage import files
from components.storage.artifacts import Audit, Report, atomic_file
from pipeline.lineage import ancestry
from pipeline.orchestration import dag
from pipeline.orchestration.store import COMPLETE, LineageStore


def report_of(folder: str) -> Report:
    """The report that a run left in its output folder."""
    return Report(os.path.join(folder, "artifacts", "reporter", "report"))


def publish_report(store: LineageStore, folder: str) -> None:
    """Writes `report.html`, `model_card.md` and `figures/` of a run to its output folder."""
    run = run_page(folder, store)
    write_text(os.path.join(folder, REPORT), render([run]))
    write_text(os.path.join(folder, CARD), model_card(run))
    if files.exists(report_of(folder).path("figures")):  # a store has no empty folders
        dag.publish(report_of(folder), "figures", folder)


def run_page(folder: str, store: LineageStore | None = None, name: str = "") -> RunPage:
    """What the page tells of a finished run.

    Args:
        folder: Its output folder.
        store: Its lineage store, or `None`: lineage and audit are then not known.
        name: What the page calls it; default: the folder's name.

    Raises:
        InputError: If it is no output folder of a finished run, or another version wrote it.
    """
    for path in (os.path.join(folder, METRICS_FILE), report_of(folder).path(PAGE_FILE)):
        if not files.exists(path):
            raise InputError(
                f"expected the output folder of a finished `python -m pipeline.run`, but {folder!r} has no "
                f"{os.path.relpath(path, folder)}; run it (again: what is unchanged is not repeated)"
            )
    executions = store.executions() if store else []
    return RunPage(
        name or os.path.basename(os.path.abspath(folder)),
        report_of(folder).read(PAGE_FILE, Page),
        audit_of(executions),
        lineage_of(executions),
        read(os.path.join(folder, METRICS_FILE), Metrics).command,
    )


def audit_of(executions: list[dict]) -> AuditReport | None:
    """The live audit, if it is of the examples and models that are live now."""
    live = {}
    for run in executions:
        if run["state"] == COMPLETE and any(artifact["live"] for artifact in run["outputs"]):
            live[run["node"]] = run
    if not {"auditor", "trainer", "transform"} <= set(live):
        return None
    current = {artifact["id"] for node in ("trainer", "transform") for artifact in live[node]["outputs"]}
    if set(live["auditor"]["inputs"].values()) != current:
        return None
    audit = Audit(live["auditor"]["outputs"][0]["uri"])
    return audit.read(AUDIT_FILE, AuditReport) if files.exists(audit.path(AUDIT_FILE)) else None


def lineage_of(executions: list[dict]) -> list[dict]:
    """The executions behind the live report, the last first, as the page shows them."""
    try:
        chosen = sorted(ancestry(executions, "reporter"), key=lambda run: run["started"], reverse=True)
    except InputError:
        return []
    names = {artifact["id"]: f"{run['node']}.{artifact['name']}" for run in chosen for artifact in run["outputs"]}
    return [
        {
            "node": run["node"],
            "started": run["started"][:19].replace("T", " "),
            "code": run["code"][:12],
            "key": run["cache_key"][:12],
            "inputs": [names.get(artifact, artifact) for artifact in run["inputs"].values()],
            "outputs": [artifact["type"] for artifact in run["outputs"]],
            "settings": "\n".join(f"{key}: {json.dumps(value)}" for key, value in run["parameters"].items()),
            "versions": run["versions"],
            "command": run["command"],
        }
        for run in chosen
    ]


def write_text(path: str, text: str) -> None:
    """Writes a text file under a temporary name, then renames."""
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
