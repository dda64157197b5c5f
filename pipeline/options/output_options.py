"""Where results go, and what is pushed."""

from __future__ import annotations

import dataclasses

from components.storage.model_folders import check_model_name
from datamix_tf.defences import all_defences
from datamix_tf.settings import at_least, not_empty, setting, share


@dataclasses.dataclass(frozen=True, kw_only=True)
class TerminalOptions:
    """What is shown while a command works."""

    GROUP = "output"

    verbose: bool = setting(
        False, "show all: what other packages say, and a line for each component, training and attack"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LineageOptions(TerminalOptions):
    """The record of executions."""

    GROUP = "output"

    lineage: str | None = setting(
        None,
        "SQLAlchemy URL of the database that records every execution (default: sqlite, lineage.db in the run's folder; "
        "required if that is a URL)",
        **not_empty("a SQLAlchemy URL"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputOptions(LineageOptions):
    """Where a run writes."""

    GROUP = "output"

    output: str = setting(
        "runs/latest",
        "folder for metrics.json, report.html, serving/, edge/, edge_only/, artifacts/; or a URL such as "
        "s3://bucket/run (docs/how-to/object-stores.md)",
        **not_empty("a folder or a URL"),
    )
    keep: str | None = setting(
        None,
        "folder or URL of finished trainings and attacks, for runs to share one after the other (default: OUTPUT/kept)",
        **not_empty("a folder or a URL"),
    )
    no_cache: bool = setting(False, "run components again whose inputs, settings and code are unchanged")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushOptions(OutputOptions):
    """Which part of a run is done, and what is pushed in the end."""

    GROUP = "output"

    mlflow: str | None = setting(
        None,
        "MLflow tracking URI (server or database) that gets the finished run too",
        metavar="URI",
        **not_empty("a URI"),
    )
    from_node: str | None = setting(None, "first component to run; what is before it is taken as the last run left it")
    to_node: str | None = setting(None, "last component to run")
    min_balanced_accuracy: float = setting(0.0, "least that a model must reach to be pushed, 0 to 1", **share())
    max_leakage: float = setting(
        1.0,
        "most that an attack may gain over chance on a model that is to be pushed or recommended, as a share of what "
        "there is",
        **share(),
    )
    max_edge_macs: float = setting(
        1e12,
        "most multiply-adds on the edge of a method that the run's answer recommends, and of a cut that it proposes",
        **at_least(0),
    )
    max_bytes_up: float = setting(1e12, "most bytes that a cut of --model which the run proposes sends", **at_least(0))
    max_accuracy_drop: float = setting(
        0.02, "accuracy that such a method may lose against the most accurate one, as a share", **share()
    )
    model_name: str = setting("datamix", "name under which the cloud serves the model")
    gateway_keys: str | None = setting(
        None,
        "file with the public keys of the cloud's Oblivious HTTP gateway, which the edge's bundle then has "
        "(python -m serving.cloud.gateway_keys FILE --public)",
        metavar="FILE",
        **not_empty("a file"),
    )
    package: str | None = setting(
        None,
        "which of the methods is packaged: one that mixes, for cloud and edge, or one that sends nothing, as "
        "edge_only/ beside the split model; its first variant (default: what is best to package, and edge_only/ if the "
        "run's answer sends nothing)",
        choices=all_defences,
        metavar="METHOD",
    )


def check_name(options: PushOptions) -> None:
    """Refuses a model's name that would lead out of the serving folder. Raises InputError."""
    check_model_name(options.model_name)
