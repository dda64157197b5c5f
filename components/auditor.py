"""Auditor: runs every attack of every threat model on trained mixing models, each an independent Beam element."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import time

import apache_beam as beam
import numpy as np

from components.attacker import TARGET, known_classes, only
from components.base import Component, ComponentSpec
from components.caching.code_fingerprint import of_plugin
from components.caching.result_cache import kept
from components.report.audit import text
from components.report.pictures import PICTURES, picture_row, stacked
from components.storage import files
from components.storage.artifacts import Audit, Examples, Models, atomic_file, write_json
from components.training import models as trained
from components.training.data import arrays, hidden_task, target_task

MIN_EXAMPLES = 8


@dataclasses.dataclass(frozen=True)
class AuditConfig:
    """One probe on one model.

    Attributes:
        model: Name of the trained model.
        probe: Id of one of `datamix_tf.audit.probes`.
        label: `"target"` or a hidden column for probes that read labels, else empty.
        attack_epochs: Passes of attacks that train a network on labels.
        batch_size: Examples in a batch of those.
        steps: Batches that separators and linkers are trained on.
        training_groups: Groups in a batch of those.
        restarts: Random starts of ascents.
        groups: Most test groups.
        seed: Seed of the attack.
    """

    model: str
    probe: str
    label: str
    attack_epochs: int
    batch_size: int
    steps: int
    training_groups: int
    restarts: int
    groups: int
    seed: int


class Auditor(Component):
    """Measures what the cloud learns of mixing models, threat model by threat model.

    Parameters:
        audits: The `AuditConfig`s.
        keep: Folder that keeps scores, so that a stopped audit goes on.
        command: The command line, for the report.

    Inputs:
        examples: `Examples`. Attacks are fitted on its train split and scored on its test split.
        models: `Models`.

    Outputs:
        audit: `Audit`.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"audit": Audit},
        parameters={"audits": list, "keep": str, "command": str},
    )
    without_effect = ("keep", "command")

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Audits" >> beam.Create(self.parameters["audits"])
                | "Spread" >> beam.Reshuffle()
                | "Attack"
                >> beam.Map(
                    _kept_score, inputs["examples"], inputs["models"], self.parameters["keep"], outputs["audit"].uri
                )
                | "Collect" >> beam.combiners.ToList()
                | "Write" >> beam.Map(_write, inputs["examples"], inputs["models"], outputs["audit"], self.parameters)
            )


def _write(scores, examples, models, audit, parameters):
    from datamix_tf.audit import probes

    order = [probe.name for probe in probes().values()]
    scores = sorted(scores, key=lambda score: (score["model"], order.index(score["probe"]), score["name"]))
    schema = examples.schema()
    names = dict.fromkeys(score["model"] for score in scores)
    result = {
        "schema": 1,
        "dataset": {key: getattr(schema, key) for key in ("name", "fingerprint", "splits")},
        "command": parameters["command"],
        "models": {name: trained.training(models, name)["config"] for name in names},
        "scores": scores,
    }
    write_json(audit.path("audit.json"), result)
    with atomic_file(audit.path("audit.md")) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(text(result) + "\n")


def _kept_score(config: AuditConfig, examples: Examples, models: Models, keep: str, folder: str) -> dict:
    from datamix_tf.audit import probes

    plugin = of_plugin(probes()[config.probe].make)
    what = {"audit": dataclasses.asdict(config), "model": trained.digest(models, config.model), "plugin": plugin}

    def make(working):
        score, picture = run_probe(config, examples, models)
        write_json(os.path.join(working, "score.json"), score)
        if picture is not None:
            with open(os.path.join(working, "pictures.png"), "wb") as file:
                file.write(picture)

    path = kept(keep, what, examples, make, __name__)
    if os.path.exists(os.path.join(path, "pictures.png")):
        with files.writing(folder) as target:
            shutil.copyfile(os.path.join(path, "pictures.png"), os.path.join(target, f"{config.model}.png"))
    return Audit(path).read_json("score.json")


def run_probe(config: AuditConfig, examples: Examples, models: Models):
    """Runs one probe.

    Returns:
        `(score, picture)`: a JSON-ready dictionary (`model`, `probe`, `name`, `threat`, the figures of `AttackScore`,
        the attacker's `seconds`; or `skipped` with the reason), and a PNG of raw above rebuilt inputs, or `None`.
    """
    from datamix_tf import audit
    from datamix_tf.attacks import AttackTraining, SeparatorTraining

    schema = examples.schema()
    probe = audit.probes()[config.probe]
    hidden = config.label not in ("", TARGET)
    task = hidden_task(schema, config.label) if hidden else target_task(schema)
    splits = {split: arrays(examples, split, config.label or TARGET)[1:] for split in ("train", "valid", "test")}
    outputs = task.outputs
    if hidden:
        known = known_classes(splits["train"][1], splits["test"][1], MIN_EXAMPLES)
        splits = {split: only(known, *pair) for split, pair in splits.items()}
        outputs = len(known)
    name = f"{task.name} by {probe.name}" if probe.labels else probe.name
    named = {"model": config.model, "probe": probe.name, "id": probe.id, "name": name, "threat": probe.threat}
    model = trained.load(models, config.model)
    reason = _unfit(probe, schema, splits, outputs, task.kind == "binary", model.group_size)
    if reason:
        return {**named, "skipped": reason}, None
    training = AttackTraining(epochs=config.attack_epochs, batch_size=config.batch_size, seed=config.seed)
    separation = SeparatorTraining(
        steps=config.steps, groups=config.training_groups, restarts=config.restarts, seed=config.seed
    )
    subject = audit.Subject(model, outputs, task.kind == "binary", training, separation, config.groups)
    attack = probe.make(subject)
    print(f"audit {config.model}: {name} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    attack.fit(splits["train"], splits["valid"])
    score = attack.score(splits["test"]).to_dict()
    seconds = time.monotonic() - started
    found = f"{score['score']:.3f} (chance {score['chance']:.3f}) after {seconds:.0f} s"
    print(f"audit {config.model}: {name}: {found}", file=sys.stderr, flush=True)
    picture = _picture(attack, splits["test"][0], schema) if probe.name == audit.PICTURES else None
    return {**named, **score, "seconds": seconds}, picture


def _unfit(probe, schema, splits, outputs, binary, group_size):
    """Why a probe has no meaning on a data set, or `None`."""
    from datamix_tf import audit

    if probe.name == audit.PICTURES and schema.kind != "image":
        return "pictures alone are rebuilt"
    if probe.labels and binary and not probe.binary:
        return "it reads classes, not several 0/1 labels"
    if probe.labels and outputs < 2 and schema.task != "binary":
        return f"fewer than 2 values have {MIN_EXAMPLES} train examples and a test example"
    fewest = min(len(x) for x, _ in splits.values())
    if fewest < 2 * group_size:
        return f"a split has {fewest} examples, fewer than two groups of {group_size}"
    return None


def _picture(attack, x, schema):
    """Raw inputs above what was rebuilt of their mixtures, as PNG."""
    shown = x[: max(PICTURES, attack.keys.group_size)]
    size = schema.shape[:2]
    rebuilt = np.clip(attack.rebuild(shown), 0, 255)
    return stacked([picture_row(shown, size), picture_row(rebuilt, size)])
