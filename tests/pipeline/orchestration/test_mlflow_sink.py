"""A finished run in a real MLflow database, read back with MLflow's own client."""

import json
import os
import subprocess
import sys

import pytest

from components.storage.artifacts import write_json
from pipeline.orchestration.mlflow_sink import announce
from tests import pages
from tests.conftest import REPOSITORY

SCRIPT = """
import json, sys
from mlflow import MlflowClient
from pipeline.orchestration.mlflow_sink import log_run
from pipeline.options.run_options import parse

uri, folder = sys.argv[1:]
logged = log_run(uri, parse(["--group_size", "4"])[0], folder)
run = MlflowClient(tracking_uri=uri).get_run(logged)
found = {"metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags, "status": run.info.status}
print(json.dumps({**found, "artifacts": run.info.artifact_uri}))
"""

REFUSED = """
import sys
from pipeline.options.run_options import parse
from pipeline.run import _log

uri, folder = sys.argv[1:]
_log(parse(["--mlflow", uri, "--output", folder])[0], "the model was not pushed: it leaks")
"""


@pytest.fixture
def folder(tmp_path):
    attack = {**pages.attack(0.3, chance=0.25), "curve": [1, 2]}
    row = pages.row("cloud", "plain-seed0", attacks={"who, set": attack, "age": {"skipped": "too few"}}, accuracy=0.5)
    (tmp_path / "run").mkdir()
    write_json(str(tmp_path / "run" / "metrics.json"), pages.metrics([row], "python -m pipeline.run"))
    (tmp_path / "run" / "report.html").write_text("<html>")
    return tmp_path / "run"


def log(uri, folder, script=SCRIPT):
    command = [sys.executable, "-c", script, uri, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    # MLflow puts artifacts of a local database into the working folder.
    return subprocess.run(command, cwd=folder.parent, env=environment, capture_output=True, text=True)


def test_settings_figures_and_files_arrive(folder):
    run = log(f"sqlite:///{folder.parent}/mlflow.db", folder)
    found = json.loads(run.stdout.splitlines()[-1])
    figures = dict.fromkeys(("valid_accuracy", "test_accuracy", "balanced_accuracy", "auc"), 0.5)
    figures |= {
        "edge_params": 10.0,
        "edge_macs": 1000.0,
        "bytes_up": 1024.0,
        "bytes_down": 16.0,
        "training_seconds": 1.0,
    }
    figures |= {"attacks/who_ set/score": 0.3, "attacks/who_ set/chance": 0.25, "attacks/who_ set/n": 40.0}
    assert found["metrics"] == {f"plain-seed0/{name}": value for name, value in figures.items()}
    assert found["params"]["group_size"] == "4" and found["status"] == "FINISHED"
    assert found["tags"]["command"] == "python -m pipeline.run"
    assert sorted(os.listdir(folder.parent / found["artifacts"])) == ["metrics.json", "report.html"]


def test_what_will_be_sent_is_told_before(capsys):
    announce("https://me:secret@mlflow.example")
    said = capsys.readouterr().err
    assert "report.html" in said and "inputs of the test split" in said and "https://me:***@mlflow.example" in said


def test_a_store_that_cannot_be_used_is_explained(folder):
    run = log(str(folder.parent / "nothing"), folder)
    assert (
        run.returncode and "components.errors.InputError: --mlflow" in run.stderr and "cannot be written" in run.stderr
    )


def test_a_refusal_to_push_is_told_even_then(folder):
    run = log(str(folder.parent / "nothing"), folder, REFUSED)
    assert "components.errors.NotBlessedError: the model was not pushed: it leaks; --mlflow" in run.stderr
