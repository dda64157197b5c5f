"""Attacker: measures what the cloud learns, every attack on every model an independent Beam element."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil

import apache_beam as beam
import numpy as np

from components.attack_kinds import NAMES, name_of_probe, needs_group, reads_binary
from components.base import Component, ComponentSpec
from components.caching.code_fingerprint import of_plugin
from components.caching.result_cache import kept
from components.report.pictures import PICTURES
from components.storage import files
from components.storage.artifacts import AttackScores, Examples, Models, write_json
from components.training import models as trained
from components.training.data import arrays, hidden_task, target_task
from components.training.epoch_bar import EpochBar

TARGET = "target"


@dataclasses.dataclass(frozen=True)
class AttackConfig:
    """One attack on one model.

    Attributes:
        model: Name of the trained model.
        label: What the attacker is after: `"target"`, or a hidden column; of no meaning for a reconstruction or a key.
        kind: `"label"` (a network reads it), `"set"` (a network names all classes in a mixture), `"probe"` (a linear
            model reads it), `"reconstruction"` (Pix2Pix rebuilds the pictures), `"separated"` (a network reads what
            separation recovers from a group's mixtures), `"key"` (separation alone: how well it undoes the key), or the
            id of an attack of `datamix_tf.audit.probes`.
        epochs: Most passes over the attacker's examples.
        patience: Passes without a better validation score after which training ends; 0 runs all.
        batch_size: Examples in a batch.
        learning_rates: Peaks of the learning rate to try; the best on the valid split counts.
        starts: Any of `"trained"` and `"fresh"`, likewise.
        width: Filters of Pix2Pix.
        min_examples: A class counts for an attack on a hidden column if it has so many examples in the train split and
            one in the test split.
        mates: Who is mixed with whom, for a hidden column: one of `datamix_tf.mates.MATES`.
        shuffle: Whether mixtures are permuted across groups.
        seed: Seed of the attack.
    """

    model: str
    label: str
    kind: str = "label"
    epochs: int = 10
    patience: int = 0
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (1e-3,)
    starts: tuple[str, ...] = ("trained",)
    width: int = 64
    min_examples: int = 8
    mates: str = "any"
    shuffle: bool = False
    seed: int = 0

    def name(self, task: str) -> str:
        """What the attack is called in tables, given the name of its task."""
        named = NAMES[self.kind].format(task=task) if self.kind in NAMES else name_of_probe(self.kind, task)
        mates = {"any": "", "different": ", different mates", "same": ", mates of one kind"}[self.mates]
        return named + mates + (", shuffled" if self.shuffle else "")


class Attacker(Component):
    """Trains attacks on the tensors that the cloud would receive.

    Parameters:
        attacks: The `AttackConfig`s.
        keep: Folder that keeps scores, so that a stopped run goes on.

    Inputs:
        examples: `Examples`. Attacks are fitted on its train split, pick their best state on the valid split and are
            scored on the test split.
        models: `Models`.

    Outputs:
        scores: `AttackScores`: `scores.json`, for each attack `model`, `name` and the figures of `AttackScore`; and of
            models whose pictures were rebuilt, `<model>/rebuilt.npy`. An attack that has no meaning on the data set is
            there with `skipped`, the reason.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"scores": AttackScores},
        parameters={"attacks": list, "keep": str},
    )
    without_effect = ("keep",)

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Attacks" >> beam.Create(self.parameters["attacks"])
                | "Spread" >> beam.Reshuffle()
                | "Attack"
                >> beam.Map(
                    _kept_attack, inputs["examples"], inputs["models"], self.parameters["keep"], outputs["scores"].uri
                )
                | "Collect" >> beam.combiners.ToList()
                | "Write" >> beam.Map(_write, outputs["scores"])
            )


def _write(scores, artifact):
    ordered = sorted(scores, key=lambda score: json.dumps([score["model"], score["name"]]))
    write_json(artifact.path("scores.json"), ordered)


def _kept_attack(config: AttackConfig, examples: Examples, models: Models, keep: str, folder: str) -> dict:
    """The scores of one attack, or those kept from an earlier run; rebuilt pictures go to `folder/<model>/`."""
    what = {"attack": dataclasses.asdict(config), "model": trained.digest(models, config.model)}
    if config.kind not in NAMES:
        from datamix_tf.audit import probes

        what["plugin"] = of_plugin(probes()[config.kind].make)

    def make(working):
        score, rebuilt = run_attack(config, examples, models)
        write_json(os.path.join(working, "score.json"), score)
        if rebuilt is not None:
            np.save(os.path.join(working, "rebuilt.npy"), rebuilt)

    path = kept(keep, what, examples, make, __name__)
    if os.path.exists(os.path.join(path, "rebuilt.npy")):
        with files.writing(os.path.join(folder, config.model)) as target:
            os.makedirs(target, exist_ok=True)
            shutil.copy(os.path.join(path, "rebuilt.npy"), target)
    with open(os.path.join(path, "score.json"), encoding="utf-8") as file:
        return json.load(file)


def run_attack(config: AttackConfig, examples: Examples, models: Models):
    """Runs one attack.

    Returns:
        `(score, rebuilt)`: its scores as a JSON-ready dictionary, and the pictures that a reconstruction made of the
        first test examples, `[n, height, width, channels]` in raw units, else `None`.
    """
    from datamix_tf import DataMixModel
    from datamix_tf.transmission import group_size_of

    schema = examples.schema()
    task = target_task(schema) if config.label == TARGET else hidden_task(schema, config.label)
    named = {"model": config.model, "name": config.name(task.name)}
    splits = {split: arrays(examples, split, config.label)[1:] for split in ("train", "valid", "test")}
    if config.kind == "reconstruction" and schema.kind != "image":
        return {**named, "skipped": "pictures alone are rebuilt"}, None
    if config.kind == "set" and task.kind == "binary":
        return {**named, "skipped": "sets are of classes"}, None
    if task.kind == "binary" and not reads_binary(config.kind):
        return {**named, "skipped": "it reads classes, not several 0/1 labels"}, None
    outputs = task.outputs
    if config.label != TARGET:
        known = known_classes(splits["train"][1], splits["test"][1], config.min_examples)
        if len(known) < 2:
            reason = (
                f"fewer than 2 values of {config.label!r} have {config.min_examples} train examples and a test example"
            )
            return {**named, "skipped": reason}, None
        splits = {split: only(known, *pair) for split, pair in splits.items()}
        outputs = len(known)
    model = trained.load(models, config.model)
    if needs_group(config.kind) and (group_size_of(model) < 2 or not isinstance(model, DataMixModel)):
        return {**named, "skipped": "nothing is mixed with an orthogonal key"}, None
    groups = {split: _groups(config, y, group_size_of(model)) for split, (_, y) in splits.items()}
    if not groups["train"] or not groups["test"]:
        reason = f"no group of {group_size_of(model)} with {config.mates} mates in the train or the test split"
        return {**named, "skipped": reason}, None
    attack = make_attack(config, model, task, outputs, schema)
    attack.fit(splits["train"], splits["valid"] if groups["valid"] else splits["train"])
    score = {**named, **attack.score(splits["test"]).to_dict(), "classes": outputs}
    if config.kind != "reconstruction":
        return score, None
    shown = max(PICTURES, group_size_of(model))
    return score, attack.rebuild(splits["test"][0][:shown])


def make_attack(config: AttackConfig, model, task, outputs: int, schema):
    """The attack of a config, not yet fitted."""
    from datamix_tf import attacks

    bar = [EpochBar(f"attack {config.name(task.name)} on {config.model}")]
    binary = task.kind == "binary"
    if config.kind == "probe":
        return attacks.LinearProbe(model, outputs, binary, seed=config.seed)
    if config.kind == "reconstruction":
        training = attacks.ReconstructionTraining(
            epochs=config.epochs, batch_size=config.batch_size, width=config.width, seed=config.seed
        )
        return attacks.ReconstructionAttack(model, schema.mean, schema.variance, training, callbacks=bar)
    training = attacks.AttackTraining(
        epochs=config.epochs,
        patience=config.patience,
        batch_size=config.batch_size,
        learning_rates=config.learning_rates,
        starts=config.starts,
        seed=config.seed,
    )
    if config.kind not in NAMES:
        from datamix_tf.audit import Subject, probes

        separation = attacks.SeparatorTraining(seed=config.seed)
        return probes()[config.kind].make(Subject(model, outputs, binary, training, separation))
    if config.kind == "key":
        return attacks.KeyAttack(model, seed=config.seed)
    if config.kind == "separated":
        return attacks.SeparatedLabelAttack(model, outputs, binary, training, callbacks=bar)
    more = {"mates": config.mates, "shuffle": config.shuffle, "callbacks": bar}
    if config.kind == "set":
        return attacks.SetAttack(model, outputs, training, **more)
    return attacks.LabelAttack(model, outputs, binary, training, **more)


def _groups(config, labels, group_size):
    """How many groups with the wanted mates a split has."""
    from datamix_tf.mates import arrange

    people = labels if config.mates != "any" else np.zeros(len(labels))
    return len(arrange(people, group_size, config.mates)) // group_size


def known_classes(train, test, min_examples: int):
    """Classes with at least `min_examples` train labels and one test label, sorted."""
    counts = np.bincount(train)
    seen = np.unique(test)
    return np.array([value for value in seen if value < len(counts) and counts[value] >= min_examples])


def only(known, x, y):
    """The examples of the known classes, with classes renumbered."""
    keep = np.isin(y, known)
    return x[keep], np.searchsorted(known, y[keep])
