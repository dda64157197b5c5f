"""Tells how long a run will take, then shows how far it is."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from components.errors import InputError
from components.records.dataset import DatasetSchema
from components.storage.artifacts import Examples, Models
from components.trainer import Trainer
from components.training import models as trained
from components.training.networks import ModelConfig
from pipeline.costs import schema_of
from pipeline.datasets import open_dataset
from pipeline.orchestration.dag import Extent, Node, unchanged, within
from pipeline.orchestration.durations import Machine
from pipeline.orchestration.forecast import Forecast, Known, forecast, splits_of
from pipeline.orchestration.run_bar import RunBar

#: Examples of which a half is still worth a run.
FEW = 400
#: Flags that make a run shorter: how each is typed, and the options of the run with it.
Shorter = Iterable[tuple[str, Any]]


def announced(
    build: Callable[[Any, Any], list[Node]],
    options: Any,
    source: Any,
    store: Any,
    extent: Extent,
    flags: tuple[str, ...] = ("attack_epochs", "epochs", "examples"),
) -> RunBar:
    """Says on standard error how long a run will take on this machine, and which flag makes it shorter.

    Args:
        build: From options and a data set to the nodes of a run.
        options: `RunOptions`.
        source: The data set.
        store: A `LineageStore`.
        extent: Which part of it is run.
        flags: Which flags may make it shorter.

    Returns:
        What shows how far the run is.
    """
    machine = Machine()
    schema = _schema(options, source)

    def expected(changed: Any) -> Forecast:
        data = source if changed.examples == options.examples else _opened(changed)
        nodes = build(changed, data)
        taken = within(nodes, extent)
        done = unchanged(taken, options.output, store, extent)
        examples = Examples(os.path.join(done["transform"], "examples")) if "transform" in done else None
        models = Models(os.path.join(done["trainer"], "models")) if "trainer" in done else None
        known = Known(splits_of(changed, data, examples), schema, _configs(nodes), examples, models)
        return forecast([node for node in taken if node.name not in done], known, machine)

    found = expected(options)
    count = getattr(source, "examples", None)
    shorter = smaller(options, count, flags) if found.worth_telling else ()
    return _told(found, [(flag, expected(changed).seconds) for flag, changed in shorter], options.verbose)


def announced_audit(
    node: Node,
    examples: Examples,
    models: Models,
    verbose: bool,
    skipped: bool,
    shorter: Iterable[tuple[str, list[Any]]] = (),
) -> RunBar:
    """The same for one node that attacks the models of a finished run.

    Args:
        node: With an `Attacker`.
        examples: The run's.
        models: The run's.
        verbose: Whether all is shown.
        skipped: Whether the node is skipped, because all is as it was.
        shorter: Flags to try, each with the attacks that there would be.
    """
    machine = Machine()
    configs = [ModelConfig.from_dict(trained.training(models, name).config) for name in trained.names(models)]
    schema = examples.schema()
    known = Known(dict(schema.splits), schema, configs, examples, models)

    def expected(attacks: list[Any]) -> Forecast:
        component = type(node.component)(**{**node.component.parameters, "attacks": attacks})
        return forecast([dataclasses.replace(node, component=component)], known, machine)

    found = Forecast([], machine) if skipped else expected(node.component.parameters["attacks"])
    tried = [(flag, expected(attacks).seconds) for flag, attacks in shorter] if found.worth_telling else []
    return _told(found, tried, verbose)


def _told(found: Forecast, tried: list[tuple[str, float]], verbose: bool) -> RunBar:
    print(found.text(tried), file=sys.stderr, flush=True)
    return RunBar(found, verbose)


def _configs(nodes: list[Node]) -> list[ModelConfig]:
    trainers = [node.component for node in nodes if isinstance(node.component, Trainer)]
    return [config for trainer in trainers for config in trainer.parameters["models"]]


def _opened(options: Any) -> Any:
    return open_dataset(options.dataset, seed=options.seed, examples=options.examples, data_dir=options.data_dir)


def _schema(options: Any, source: Any) -> DatasetSchema | None:
    """What is known of the data before they are read, or `None`."""
    try:
        return schema_of(options, source)
    except InputError:
        return None


def smaller(options: Any, count: int | None, flags: tuple[str, ...]) -> Shorter:
    """Flags that make a run shorter, each with the options of the run that it would be.

    Args:
        options: The run's options.
        count: How many examples there are, if that is known.
        flags: Which flags may be tried.
    """
    values = {"attack_epochs": 0, "repeats": 1, "epochs": max(1, options.epochs // 4)}
    if count and count >= FEW:
        values["examples"] = count // 2
    for name in flags:
        if values.get(name, getattr(options, name)) != getattr(options, name):
            yield f"--{name} {values[name]}", dataclasses.replace(options, **{name: values[name]})
