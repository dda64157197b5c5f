"""Attacker: measures what the cloud learns, every attack on every model an independent Beam element."""

from __future__ import annotations

import dataclasses
import json

import apache_beam as beam
import numpy as np

from components import models as trained
from components.artifacts import AttackScores, Examples, Models, write_json
from components.base import Component, ComponentSpec
from components.data import arrays, hidden_task, target_task, whole_batch_size
from components.epoch_bar import EpochBar

TARGET = "target"


@dataclasses.dataclass(frozen=True)
class AttackConfig:
    """One attack on one model.

    Attributes:
        model: Name of the trained model.
        label: What the attacker is after: `"target"`, or a hidden column.
        epochs: Passes over the attacker's examples.
        batch_size: Examples in a batch.
        min_examples: A class counts for an attack on a hidden column if it has so many examples in the train split and
            one in the test split.
        seed: Seed of the attack.
    """

    model: str
    label: str
    epochs: int
    batch_size: int
    min_examples: int
    seed: int


class Attacker(Component):
    """Trains label attacks on the tensors that the cloud would receive.

    Parameters:
        attacks: The `AttackConfig`s.

    Inputs:
        examples: `Examples`. Attacks are fitted on its train split, pick their best state on the valid split and are
            scored on the test split.
        models: `Models`.

    Outputs:
        scores: `AttackScores`: `scores.json`, for each attack `model`, `name` and the figures of `AttackScore`. An
            attack that has no meaning on the data set is there with `skipped`, the reason.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"scores": AttackScores},
        parameters={"attacks": list},
    )

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Attacks" >> beam.Create(self.parameters["attacks"])
                | "Spread" >> beam.Reshuffle()
                | "Attack" >> beam.Map(run_attack, inputs["examples"], inputs["models"])
                | "Collect" >> beam.combiners.ToList()
                | "Write" >> beam.Map(_write, outputs["scores"])
            )


def _write(scores, artifact):
    ordered = sorted(scores, key=lambda score: json.dumps([score["model"], score["name"]]))
    write_json(artifact.path("scores.json"), ordered)


def run_attack(config: AttackConfig, examples: Examples, models: Models) -> dict:
    """Runs one attack; returns its scores as a JSON-ready dictionary."""
    from datamix_tf.attacks import LabelAttack

    schema = examples.read_json("schema.json")
    task = target_task(schema) if config.label == TARGET else hidden_task(schema, config.label)
    named = {"model": config.model, "name": task.name}
    splits = {split: arrays(examples, split, config.label)[1:] for split in ("train", "valid", "test")}
    outputs = task.outputs
    if config.label != TARGET:
        known = known_classes(splits["train"][1], splits["test"][1], config.min_examples)
        if len(known) < 2:
            reason = (
                f"fewer than 2 values of {config.label!r} have {config.min_examples} train examples and a test example"
            )
            return {**named, "skipped": reason}
        splits = {split: _only(known, *pair) for split, pair in splits.items()}
        outputs = len(known)
    model = trained.load(models, config.model)
    group_size = getattr(model, "group_size", 1)
    attack = LabelAttack(
        model,
        outputs,
        task.kind == "binary",
        epochs=config.epochs,
        batch_size=whole_batch_size(config.batch_size, group_size),
        seed=config.seed,
        callbacks=[EpochBar(f"attack {task.name} on {config.model}")],
    )
    attack.fit(splits["train"], splits["valid"] if len(splits["valid"][0]) >= group_size else splits["train"])
    return {**named, **attack.score(splits["test"]).to_dict(), "classes": outputs}


def known_classes(train, test, min_examples: int):
    """Classes with at least `min_examples` train labels and one test label, sorted."""
    counts = np.bincount(train)
    seen = np.unique(test)
    return np.array([value for value in seen if value < len(counts) and counts[value] >= min_examples])


def _only(known, x, y):
    """The examples of the known classes, with classes renumbered."""
    keep = np.isin(y, known)
    return x[keep], np.searchsorted(known, y[keep])
