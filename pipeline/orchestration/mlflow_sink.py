"""A finished run in MLflow: settings as parameters, rows as metrics, metrics.json, the report and the model card as
artifacts."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Iterable

from components.errors import InputError
from components.records.metrics import METRICS_FILE, Metrics, Row
from components.records.serialising import plain, read
from components.storage import files
from components.storage.local_copies import local_copy
from pipeline.orchestration import recording
from serving.protocol.addresses import masked

#: What MLflow takes: names of these characters, values of so many, so many at once.
FORBIDDEN = re.compile(r"[^0-9A-Za-z_\-. /]")
MOST_CHARACTERS, MOST_AT_ONCE = 6000, 100
#: Files of a run that go with it.
UPLOADED = (METRICS_FILE, "report.html", "model_card.md")


def require_mlflow():
    """Raises an InputError if MLflow is not installed."""
    try:
        import mlflow  # noqa: F401
    except ModuleNotFoundError:
        raise InputError("--mlflow needs MLflow; pip install 'datamix-tf[mlflow]', or leave the flag out") from None


def announce(uri: str) -> None:
    """Says on stderr what a finished run will send away, while there is time to stop it."""
    print(
        f"--mlflow: when the run is done, {', '.join(UPLOADED)} go to {masked(uri)}; report.html has "
        "inputs of the test split as they are (pictures, recordings), for whoever may read it there",
        file=sys.stderr,
    )


def log_run(uri: str, options, folder: str) -> str:
    """Logs a finished run.

    Args:
        uri: MLflow's tracking URI: a server or a database.
        options: The run's options, a dataclass.
        folder: Its output folder, with `metrics.json`.

    Returns:
        The id of the MLflow run.

    Raises:
        InputError: If the tracking store cannot be used.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    metrics = read(os.path.join(folder, METRICS_FILE), Metrics)
    now = int(1000 * time.time())
    values = [Metric(name, value, now, 0) for name, value in named_metrics(metrics.rows).items()]
    params = [Param(name, str(value)[:MOST_CHARACTERS]) for name, value in recording.settings(options).items()]
    try:
        client = MlflowClient(tracking_uri=uri)
        name = f"datamix/{metrics.dataset.name}"
        found = client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else client.create_experiment(name)
        run = client.create_run(experiment, run_name=os.path.basename(os.path.normpath(folder))).info.run_id
        client.set_tag(run, "command", metrics.command)
        for start in range(0, len(params), MOST_AT_ONCE):
            client.log_batch(run, params=params[start : start + MOST_AT_ONCE])
        for start in range(0, len(values), MOST_AT_ONCE):
            client.log_batch(run, metrics=values[start : start + MOST_AT_ONCE])
        for file in UPLOADED:
            if files.exists(os.path.join(folder, file)):
                client.log_artifact(run, local_copy(os.path.join(folder, file)))
        client.set_terminated(run)
    except MlflowException as error:
        raise InputError(f"--mlflow {uri} cannot be written: {error.message}; the run itself is complete") from None
    return run


def named_metrics(rows: Iterable[Row]) -> dict[str, float]:
    """`model/figure` -> value: the accuracies and costs of each row, and its attacks with chance and count."""
    found = {}
    for row in rows:
        figures = plain(row)
        for name, attack in row.attacks.items():
            figures |= {f"attacks/{name}/{key}": getattr(attack, key) for key in ("score", "chance", "n")}
        for name, value in figures.items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                found[FORBIDDEN.sub("_", f"{row.model}/{name}")] = float(value)
    return found
