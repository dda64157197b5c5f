"""Evaluator: accuracy with its unflattering companions, costs and leakage of every method, as metrics.json's rows."""

from __future__ import annotations

import dataclasses

import apache_beam as beam
import msgspec
import numpy as np

from components.base import Component, ComponentSpec
from components.blessing import Thresholds, blessing
from components.evaluation.answer import Limits, answer
from components.evaluation.gains import BATCH_SIZE, with_gains
from components.records.attacks import AttackResult
from components.records.dataset import Dataset
from components.records.metrics import METRICS_FILE, Accuracy, Metrics, Row, SummaryEntry
from components.storage.artifacts import AttackScores, Blessing, Evaluation, Examples, Models, write_json
from components.training import models as trained
from components.training.data import target_task
from components.training.networks import ModelConfig, network_spec
from components.training.splits import rows_of
from datamix_tf.defences import Defence, all_defences


class Evaluator(Component):
    """Measures the trained models and joins the attack scores.

    Parameters:
        methods: Pairs of a `Defence` and the name of the model that it runs.
        model: The model that is to be pushed.
        thresholds: `Thresholds` that it must reach.
        limits: `Limits` that a method must keep to be recommended.

    Inputs:
        examples: `Examples`.
        models: `Models`.
        scores: `AttackScores`.

    Outputs:
        evaluation: `Evaluation`: `metrics.json`, schema 1.
        blessing: `Blessing` of the model.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models, "scores": AttackScores},
        outputs={"evaluation": Evaluation, "blessing": Blessing},
        parameters={"methods": list, "model": str, "thresholds": Thresholds, "limits": Limits},
    )

    def execute(self, inputs, outputs, options):
        examples, models = inputs["examples"], inputs["models"]
        methods = {}
        for defence, model in self.parameters["methods"]:
            methods.setdefault(model, []).append(defence)
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(list(methods.items()))
                | "Spread" >> beam.Reshuffle()
                | "Measure" >> beam.Map(_measured, models, examples)
                | "Collect" >> beam.combiners.ToDict()
                | "Write" >> beam.Map(self._write, inputs, outputs)
            )

    def _write(self, measured, inputs, outputs):
        schema = inputs["examples"].schema()
        scores = inputs["scores"].read("scores.json", list[AttackResult])
        rows = [
            _row(defence, model, measured[model], trained.training(inputs["models"], model), _attacks(scores, model))
            for defence, model in self.parameters["methods"]
        ]
        entries = with_gains(summary(rows), rows, {model: found["right"] for model, found in measured.items()})
        found = answer(entries, rows, self.parameters["limits"])
        metrics = Metrics(schema=1, dataset=Dataset.of(schema), rows=rows, summary=entries, answer=found)
        write_json(outputs["evaluation"].path(METRICS_FILE), metrics)
        blessed = blessing(rows, self.parameters["model"], self.parameters["thresholds"])
        write_json(outputs["blessing"].path("blessing.json"), blessed)


def _measured(model, models, examples):
    """A model's name and measurements; with the same keys every time, so that a run can be repeated."""
    import keras

    name, methods = model
    config = ModelConfig.from_dict(trained.training(models, name).config)
    start = trained.load(models, config.start.name) if config.defence.starts_from else None
    keras.utils.set_random_seed(config.seed)
    return name, measure(trained.load(models, name), config, methods, examples, start)


def measure(model, config: ModelConfig, methods: list[Defence], examples: Examples, start=None) -> dict:
    """Accuracy of a model, and what each of the methods that run it costs.

    Args:
        model: The trained model.
        config: Its config.
        methods: The defences that run it.
        examples: The data.
        start: The trained model that it was made from, if it was.

    Returns:
        `accuracy` (a dictionary of scores); `right` (how right it is on each test example); `Accuracy` of networks with
        its weights to compare it with, by name (`Defence.references`); `costs`, method -> the fields of `Costs`; what
        the defence tells of it (`Defence.details`); and `logit_change`, the largest difference of its logits from those
        of the model that it was made from, relative to the largest of those.
    """
    schema = examples.schema()
    splits = {split: rows_of(examples, split) for split in ("valid", "test")}
    logits = predictions(model, splits)
    result = {"accuracy": scores_of(logits, splits, schema), "right": _right(logits, splits, "test", schema)}
    for name, reference in config.defence.references(model).items():
        result[name] = Accuracy(**scores_of(predictions(reference, splits), splits, schema))
    result |= config.defence.details(model, splits["test"][0])
    if start is not None:
        wanted, found = (predict(part, splits["test"][0][:BATCH_SIZE]) for part in (start, model))
        result["logit_change"] = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    spec = network_spec(config, schema)
    return {**result, "costs": {method.id: dataclasses.asdict(method.costs(model, spec)) for method in methods}}


def predictions(model, splits) -> dict[str, np.ndarray]:
    """Logits of a model by split."""
    return {split: predict(model, x) for split, (x, _) in splits.items()}


def scores_of(logits, splits, schema) -> dict[str, float]:
    """Accuracy on valid and test, and on test balanced accuracy (thresholds from valid) and mean AUC, of logits."""
    from datamix_tf.metrics import balanced_accuracy, best_thresholds, mean_auc

    valid, test = splits["valid"][1], splits["test"][1]
    binary = target_task(schema).kind == "binary"
    accurate = {split: float(_right(logits, splits, split, schema).mean()) for split in splits}
    if binary:
        decided = logits["test"] > best_thresholds(valid, logits["valid"])
    else:
        decided = logits["test"].argmax(1)
    scores = {
        "valid_accuracy": accurate["valid"],
        "test_accuracy": accurate["test"],
        "balanced_accuracy": balanced_accuracy(test, decided),
        "auc": mean_auc(test, logits["test"]),
    }
    if binary:
        scores["balanced_accuracy_at_half"] = balanced_accuracy(test, logits["test"] > 0)
    return scores


def predict(model, x):
    """Logits of a model for an array, `[n, outputs]`."""
    parts = [
        np.asarray(model(np.asarray(x[i : i + BATCH_SIZE], "float32"), training=False))
        for i in range(0, len(x), BATCH_SIZE)
    ]
    return np.concatenate(parts)


def _right(logits, splits, split, schema):
    """How right logits are on each example of a split, `[n]`: the share of its labels."""
    found, labels = logits[split], splits[split][1]
    if target_task(schema).kind == "binary":
        return ((found > 0) == labels).mean(1)
    return (found.argmax(1) == labels).astype(float)


def _row(defence, model, measured, training, attacks):
    if defence.sends_nothing:
        attacks = {name: _guessing(attack) for name, attack in attacks.items()}
    costs = measured["costs"][defence.id]
    return Row(
        method=defence.id,
        settings=_row_settings(defence, training.config),
        edge_params=costs["params"],
        edge_macs=costs["macs"],
        bytes_up=costs["bytes_up"],
        bytes_down=costs["bytes_down"],
        **measured["accuracy"],
        attacks=attacks,
        training_seconds=training.seconds,
        details={name: found for name, found in measured.items() if name not in ("accuracy", "right", "costs")},
        model=model,
    )


def _row_settings(defence, config):
    """The settings of a model that mean something for a defence."""
    without = ("defence", "people") if defence.mixes else ("defence", "people", "curriculum", "standardize")
    without += () if defence.starts_from else ("fine_tune_epochs",)
    told = {name: value for name, value in config.items() if name not in (*without, "own")}
    if own := config.get("own"):
        told |= {"backbone": own["name"], "split_after": own["cuts"], "split_before": own["before"]}
    return told | defence.settings


def _guessing(attack):
    """What an attacker who receives nothing reaches."""
    if attack.skipped:
        return attack
    details = {"classes": attack.details["classes"], "attack": "none: nothing is sent, the attacker guesses"}
    return msgspec.structs.replace(attack, score=attack.chance, standard_error=None, interval=None, details=details)


def _attacks(scores, model):
    own = {score.name: score for score in scores if score.model == model}
    return {name: msgspec.structs.replace(score, model="", name="", seconds=None) for name, score in own.items()}


SUMMARY_KEYS = ("valid_accuracy", "test_accuracy", "balanced_accuracy", "auc")


def summary(rows: list[Row]) -> list[SummaryEntry]:
    """Mean and standard deviation over seeds of each method's scores, one entry for each method and setting."""
    result = []
    for defence in dict.fromkeys(row.defence for row in rows):
        members = [row for row in rows if row.defence == defence]
        figures = {key: [getattr(row, key) for row in members] for key in SUMMARY_KEYS}
        for name, attack in members[0].attacks.items():
            if not attack.skipped:
                tried = [
                    row.attacks[name] for row in members if name in row.attacks
                ]  # some are tried on one seed alone
                figures[f"attack {name}"] = [attack.score for attack in tried if not attack.skipped]
        entry = SummaryEntry(
            method=defence.id,
            settings=defence.settings,
            seeds=len(members),
            models=tuple(row.model for row in members),
            **{key: getattr(members[0], key) for key in ("edge_params", "edge_macs", "bytes_up", "bytes_down")},
            mean={key: float(np.mean(values)) for key, values in figures.items()},
            std={key: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0 for key, values in figures.items()},
        )
        result.append(entry)
    order = list(all_defences())
    return sorted(result, key=lambda entry: order.index(entry.method))
