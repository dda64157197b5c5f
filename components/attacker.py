"""Attacker: measures what the cloud learns, every attack on every model an independent Beam element."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from typing import Any

import apache_beam as beam
import numpy as np

from components.attack_seconds import is_short
from components.base import Component, ComponentSpec
from components.caching.code_fingerprint import of_plugin
from components.caching.result_cache import cache_path, cached, link_tree
from components.progress.epochs import Epochs
from components.progress.journal import tell
from components.records.attacks import AttackResult
from components.records.serialising import read
from components.report.pictures import PICTURES
from components.storage.artifacts import AttackScores, Examples, Models, write_json
from components.training import models as trained
from components.training.data import hidden_task, target_task
from components.training.label_splits import AUTO, TEST, label_splits
from components.training.splits import rows_of, taken
from datamix_tf.attacks.catalogue import get_attack
from datamix_tf.attacks.registry import AttackSpec, Subject

TARGET = "target"
SCORE, REBUILT = "score.json", "rebuilt"


@dataclasses.dataclass(frozen=True)
class AttackConfig:
    """One attack on one model.

    Attributes:
        model: Name of the trained model.
        label: What the attacker is after: `"target"`, or a hidden column; of no meaning for attacks without labels.
        attack: Id of the attack (`datamix_tf.attacks.registry`).
        epochs: Most passes over the attacker's examples.
        patience: Passes without a better validation score after which training ends; 0 runs all.
        batch_size: Examples in a batch.
        learning_rates: Peaks of the learning rate to try; the best on the valid split counts.
        starts: Any of `"trained"` and `"fresh"`, likewise.
        optimizer, schedule: As of `datamix_tf.attacks.AttackTraining`.
        width: Filters of Pix2Pix.
        min_examples: A class counts for an attack on a hidden column if it has so many examples in the train split and
            one in the test split.
        identity_split: Which examples an attack on a hidden column learns from and is scored on, one of
            `components.training.label_splits.IDENTITY_SPLITS`.
        mates: Who is mixed with whom, for a hidden column: one of `datamix_tf.mates.MATES`.
        shuffle: Whether mixtures are permuted across groups.
        seed: Seed of the attack.
        steps: Batches that separators and linkers are trained on.
        training_groups: Groups in a batch of those.
        restarts: Random starts of ascents.
        groups: Most test groups of attacks on groups.
    """

    model: str
    label: str = TARGET
    attack: str = "label"
    epochs: int = 10
    patience: int = 0
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (1e-3,)
    starts: tuple[str, ...] = ("trained",)
    optimizer: str = "adamw"
    schedule: str = "cosine"
    width: int = 64
    min_examples: int = 8
    identity_split: str = AUTO
    mates: str = "any"
    shuffle: bool = False
    seed: int = 0
    steps: int = 800
    training_groups: int = 12
    restarts: int = 12
    groups: int = 64

    def title(self, task: str) -> str:
        """What the attack is called in tables, given the name of its task."""
        mates = {"any": "", "different": ", different mates", "same": ", mates of one kind"}[self.mates]
        return get_attack(self.attack).title(task) + mates + (", shuffled" if self.shuffle else "")


class Attacker(Component):
    """Runs attacks on the tensors that the cloud would receive.

    Parameters:
        attacks: The `AttackConfig`s.
        keep: Folder that keeps scores, so that a stopped run goes on.

    Inputs:
        examples: `Examples`. Attacks are fitted on its train split, pick their best state on the valid split and are
            scored on the test split.
        models: `Models`.

    Outputs:
        scores: `AttackScores`: `scores.json`, what `run_attack` returns of each; and of models whose pictures were
            rebuilt, `<model>/<attack>/rebuilt.npy`.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"scores": AttackScores},
        parameters={"attacks": list, "keep": str},
    )
    without_effect = ("keep",)

    def execute(self, inputs, outputs, options):
        (artifact,) = outputs.values()
        attacks = self.parameters["attacks"]
        what = inputs["examples"], inputs["models"], self.parameters["keep"], artifact.uri
        with beam.Pipeline(options=options) as pipeline:
            short = (
                pipeline
                | "Short" >> beam.Create([config for config in attacks if is_short(config)])
                | "Spread" >> beam.Reshuffle()
                | "Attack" >> beam.Map(_told_attack, *what)
            )
            long = (
                pipeline
                | "Long" >> beam.Create([config for config in attacks if not is_short(config)])
                | "Spread long" >> beam.Reshuffle()
                | "Attack long" >> beam.Map(_told_attack, *what, beam.pvalue.AsIter(short))
            )
            _ = (
                (short, long)
                | beam.Flatten()
                | "Collect" >> beam.combiners.ToList()
                | "Write" >> beam.Map(self.write, inputs, artifact)
            )

    def write(self, scores, inputs, artifact):
        """Writes the scores of all attacks."""
        ordered = sorted(scores, key=lambda score: json.dumps([score.model, score.name]))
        write_json(artifact.path("scores.json"), ordered)


def unit_of(config: AttackConfig) -> str:
    """The unit of work of the journal."""
    return f"attack on {config.model}: {config.title('labels' if config.label == TARGET else config.label)}"


def fits_of(config: AttackConfig) -> int:
    """How many trainings an attack tries, or half as many if it has several goals."""
    return len(config.learning_rates) * len(config.starts)


def stored_at(config: AttackConfig, examples: Examples, model_digest: str, keep: str) -> str:
    """Where the score of an attack on a trained model (its `models.digest`) is kept once it is known."""
    return cache_path(keep, _described(config, model_digest), examples, __name__)


def _described(config, model_digest):
    plugin = of_plugin(get_attack(config.attack).make)
    return {"attack": dataclasses.asdict(config), "model": model_digest, "plugin": plugin}


def _told_attack(config, examples, models, keep, folder, earlier=()) -> AttackResult:
    """`_cached_attack`, told in the journal; Beam runs it when the `earlier` attacks are done."""
    del earlier
    result, fresh = _cached_attack(config, examples, models, keep, folder)
    tell(unit_of(config), 1.0, f"attack {config.model}: {_told(result)}" if fresh else "")
    return result


def _told(result: AttackResult) -> str:
    if result.skipped:
        return f"{result.name}: skipped, {result.skipped}"
    return f"{result.name}: {result.score:.3f} (chance {result.chance:.3f}) after {result.seconds or 0:.0f} s"


def _cached_attack(
    config: AttackConfig, examples: Examples, models: Models, keep: str, folder: str
) -> tuple[AttackResult, bool]:
    """The score of one attack, or that kept from an earlier run, and whether it is new.

    Rebuilt pictures go to `folder`.
    """
    made = []

    def make(working):
        tell(unit_of(config), 0.0)
        epochs = Epochs(unit_of(config), config.epochs * fits_of(config))
        score, rebuilt = run_attack(config, examples, models, (epochs,))
        made.append(score)
        write_json(os.path.join(working, SCORE), score)
        if rebuilt is not None:
            os.mkdir(os.path.join(working, REBUILT))
            np.save(os.path.join(working, REBUILT, "rebuilt.npy"), rebuilt)

    path = cached(keep, _described(config, trained.digest(models, config.model)), examples, make, __name__)
    if os.path.exists(os.path.join(path, REBUILT)):
        link_tree(os.path.join(path, REBUILT), os.path.join(folder, config.model, config.attack))
    return read(os.path.join(path, SCORE), AttackResult), bool(made)


def run_attack(config: AttackConfig, examples: Examples, models: Models, callbacks=()):
    """Runs one attack; `callbacks` are Keras's, for those that train a network.

    Returns:
        `(score, rebuilt)`: an `AttackResult`, skipped with the reason if it has no meaning here, and the pictures that
        it made of the first test examples, `[n, height, width, channels]` in raw units, or `None`.
    """
    from datamix_tf.transmission import group_size_of

    schema, spec = examples.schema(), get_attack(config.attack)
    task = target_task(schema) if config.label == TARGET else hidden_task(schema, config.label)
    title = config.title(task.name)
    named = {"model": config.model, "id": spec.id, "name": title, "threat": spec.threat}
    told = {}
    if config.label == TARGET:
        splits, outputs = {split: rows_of(examples, split) for split in ("train", "valid", "test")}, task.outputs
    else:
        found = label_splits(examples, config.label, config.min_examples, config.identity_split)
        splits, outputs, told = found.splits, found.classes, {"identity_split": TEST} if found.again else {}
    model = trained.load(models, config.model)
    if reason := _unfit(config, spec, schema, task, outputs, model, splits):
        return AttackResult(**named, skipped=reason), None
    splits, parts = _bounded(splits, spec, config)
    attack: Any = spec.make(_subject(config, model, task, outputs, schema, callbacks))
    started = time.monotonic()
    attack.fit(splits["train"], splits["valid"] if _groups(config, splits["valid"][1], model) else splits["train"])
    score = attack.score(splits["test"])
    seconds = time.monotonic() - started
    score = dataclasses.replace(score, details=score.details | told | parts)
    shown = splits["test"][0][: max(PICTURES, group_size_of(model))]
    rebuilt = attack.rebuild(shown) if spec.pictures else None
    return AttackResult.of(score, classes=outputs, seconds=seconds, **named), rebuilt


def _bounded(splits, spec: AttackSpec, config):
    """What an attack gets of splits of any size, and what its score tells of that.

    It picks its state on, and is scored on, at most `MOST_ROWS` examples; all are taken where it looks for mates of one
    kind, who may be few. What trains a network reads all of the train split, batch by batch.
    """
    from datamix_tf.sampling import MOST_ROWS, sampled, sampled_rows

    def bounded(split, x, y):
        if not spec.streams:
            return sampled((x, y), seed=config.seed)
        if split == "train" or config.mates != "any" or len(x) <= MOST_ROWS:
            return x, y
        rows = sampled_rows(len(x), MOST_ROWS, config.seed)
        return taken(x, rows), y[rows]

    found = {split: bounded(split, *pair) for split, pair in splits.items()}
    parts = {split: [len(found[split][0]), len(x)] for split, (x, _) in splits.items() if len(found[split][0]) < len(x)}
    return found, {"parts": parts} if parts else {}


def _subject(config, model, task, outputs, schema, callbacks):
    from datamix_tf import attacks

    own = {"batch_size": config.batch_size, "seed": config.seed}
    return Subject(
        model,
        outputs,
        task.kind == "binary",
        training=attacks.AttackTraining(
            config.epochs,
            config.patience,
            learning_rates=config.learning_rates,
            starts=config.starts,
            optimizer=config.optimizer,
            schedule=config.schedule,
            **own,
        ),
        separation=attacks.SeparatorTraining(
            steps=config.steps, groups=config.training_groups, restarts=config.restarts, seed=config.seed
        ),
        groups=config.groups,
        reconstruction=attacks.ReconstructionTraining(epochs=config.epochs, width=config.width, **own),
        mean=schema.mean,
        variance=schema.variance,
        mates=config.mates,
        shuffle=config.shuffle,
        callbacks=callbacks,
    )


def _unfit(config, spec: AttackSpec, schema, task, outputs, model, splits) -> str:
    """Why an attack has no meaning here; empty if it has one."""
    from datamix_tf.transmission import group_size_of, mixes_groups, sent_shape

    size = group_size_of(model)
    if spec.pictures and schema.kind != "image":
        return "pictures alone are rebuilt"
    if spec.needs_map and len(sent_shape(model)) < 3:
        return f"it rebuilds pictures from maps; {sent_shape(model)[0]} numbers are sent"
    if spec.labels and task.kind == "binary" and not spec.binary:
        return "it reads classes, not several 0/1 labels"
    if config.label != TARGET and outputs < 2:
        return f"fewer than 2 values of {config.label!r} have {config.min_examples} train examples and a test example"
    if spec.needs_key and not mixes_groups(model):
        return "nothing is mixed with an orthogonal key"
    numbers = math.prod(sent_shape(model))
    if spec.needs_numbers and numbers < size:
        return f"tensors of {numbers} numbers do not tell a key of {size} rows"
    groups = {split: _groups(config, y, model) for split, (_, y) in splits.items()}
    if min(groups["train"], groups["test"]) < spec.groups:
        needed = "no group" if spec.groups == 1 else f"fewer than {spec.groups} groups"
        return f"{needed} of {size} with {config.mates} mates in the train or the test split"
    return ""


def _groups(config, labels, model):
    """How many groups with the wanted mates a split has."""
    from datamix_tf.mates import arrange
    from datamix_tf.transmission import group_size_of

    size, people = group_size_of(model), labels if config.mates != "any" else np.zeros(len(labels))
    return len(arrange(people, size, config.mates)) // size
