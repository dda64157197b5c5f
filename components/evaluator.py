"""Evaluator: accuracy with its unflattering companions, costs and leakage of every method, as metrics.json's rows."""

from __future__ import annotations

import itertools

import apache_beam as beam
import numpy as np

from components import models as trained
from components.artifacts import AttackScores, Evaluation, Examples, Models, write_json
from components.base import Component, ComponentSpec
from components.data import arrays, target_task

SCHEMA_VERSION = 1
BATCH_SIZE = 256
#: Methods that obfuscate the raw input -> what their level is called in a row's settings.
LEVELS = {"noise": "variance", "blur": "size"}


class Evaluator(Component):
    """Measures the trained models and joins the attack scores.

    Parameters:
        methods: Pairs of a method's name (`"edge"`, `"cloud"`, `"datamix"`, `"noise"`, `"blur"`) and the model that it
            runs.
        settings: The run's settings, JSON-ready, copied into `metrics.json`.

    Inputs:
        examples: `Examples`.
        models: `Models`.
        scores: `AttackScores`.

    Outputs:
        evaluation: `Evaluation`: `metrics.json`, schema 1.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models, "scores": AttackScores},
        outputs={"evaluation": Evaluation},
        parameters={"methods": list, "settings": dict},
    )

    def execute(self, inputs, outputs, options):
        examples, models = inputs["examples"], inputs["models"]
        names = list(dict.fromkeys(model for _, model in self.parameters["methods"]))
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(names)
                | "Spread" >> beam.Reshuffle()
                | "Measure" >> beam.Map(lambda name: (name, measure(trained.load(models, name), examples)))
                | "Collect" >> beam.combiners.ToDict()
                | "Write" >> beam.Map(self._write, inputs, outputs["evaluation"])
            )

    def _write(self, measured, inputs, artifact):
        schema = inputs["examples"].read_json("schema.json")
        scores = inputs["scores"].read_json("scores.json")
        rows = [
            _row(method, measured[model], trained.training(inputs["models"], model), _attacks(scores, model))
            for method, model in self.parameters["methods"]
        ]
        write_json(
            artifact.path("metrics.json"),
            {
                "schema": SCHEMA_VERSION,
                "dataset": _dataset(schema),
                "settings": self.parameters["settings"],
                "rows": rows,
                "summary": summary(rows),
            },
        )


def measure(model, examples: Examples) -> dict:
    """Accuracy and costs of a model.

    Returns:
        `accuracy` (a dictionary of scores), for a `DataMixModel` also `unmixed` (the same weights without mixing) and
        `wrong_key` (de-mixed with other keys than mixed), and `costs`: of the edge's parts and of the whole network.
    """
    from datamix_tf import DataMixModel
    from datamix_tf.costs import cost_of

    schema = examples.read_json("schema.json")
    splits = {split: arrays(examples, split)[1:] for split in ("valid", "test")}
    result = {"accuracy": scores_of(model, splits, schema)}
    if not isinstance(model, DataMixModel):
        raw = {"bytes_raw": _raw_bytes(schema), "shape": schema["shape"]}
        return {**result, "costs": {"whole": cost_of(model)}, **raw}
    result["unmixed"] = scores_of(model.unmixed(), splits, schema)
    result["wrong_key"] = scores_of(wrong_key(model), splits, schema)
    parts = {name: cost_of(getattr(model, name)) for name in ("pre", "main", "post")}
    return {**result, "costs": parts}


def wrong_key(model):
    """A function like `model` that de-mixes with other keys than it mixed with."""
    from datamix_tf.groups import complete_groups

    def predict(x, training=False):
        features = complete_groups(model.pre(x, training=False), model.group_size)
        answers = model.main(model.mix(features, model.keys(features)), training=False)
        return model.post(model.demix(answers, model.keys(features)), training=False)[: len(x)]

    return predict


def scores_of(model, splits, schema) -> dict[str, float]:
    """Accuracy on valid and test, and on test balanced accuracy (thresholds from valid) and mean AUC."""
    from datamix_tf.metrics import balanced_accuracy, best_thresholds, mean_auc

    logits = {split: predict(model, x) for split, (x, _) in splits.items()}
    valid, test = splits["valid"][1], splits["test"][1]
    binary = target_task(schema).kind == "binary"
    accurate = {split: _accuracy(logits[split], splits[split][1], binary) for split in splits}
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


def _accuracy(logits, labels, binary):
    return float(((logits > 0) == labels).mean() if binary else (logits.argmax(1) == labels).mean())


def _raw_bytes(schema):
    return int(np.prod(schema["shape"])) * np.dtype(schema["dtype"]).itemsize


def _row(method, measured, training, attacks):
    config = {name: value for name, value in training["config"].items() if name not in ("method", "level")}
    costs = measured["costs"]
    if method == "datamix":
        edge = {key: costs["pre"][key] + costs["post"][key] for key in ("params", "macs")}
        wire = {"bytes_up": costs["pre"]["output_bytes"], "bytes_down": costs["main"]["output_bytes"]}
    else:
        for key in ("num_pre_blocks", "group_size"):
            del config[key]
        edge = costs["whole"] if method == "edge" else {"params": 0, "macs": 0}
        wire = {"bytes_up": measured["bytes_raw"], "bytes_down": costs["whole"]["output_bytes"]}
        if method in LEVELS:
            level = training["config"]["level"]
            config[LEVELS[method]] = level
            wire["bytes_up"] = obfuscated_bytes(method, level, measured["shape"])
        if method == "edge":
            wire = {"bytes_up": 0, "bytes_down": 0}
            attacks = {name: _guessing(attack) for name, attack in attacks.items()}
    row = {
        "method": method,
        "settings": config,
        "edge_params": edge["params"],
        "edge_macs": edge["macs"],
        **wire,
        **measured["accuracy"],
        "attacks": attacks,
        "training_seconds": training["seconds"],
    }
    for name in ("unmixed", "wrong_key"):
        if name in measured:
            row[name] = measured[name]
    return row


def obfuscated_bytes(method: str, level: float, shape) -> int:
    """Bytes of one obfuscated input: noise needs float32; of a blurred picture `level` x `level` bytes suffice."""
    height, width, channels = shape
    return 4 * height * width * channels if method == "noise" else int(level) ** 2 * channels


def _guessing(attack):
    """What an attacker who receives nothing reaches."""
    if "skipped" in attack:
        return attack
    known = {key: attack[key] for key in ("chance", "n", "measure", "classes")}
    return {"score": attack["chance"], **known, "attack": "none: nothing is sent, the attacker guesses"}


def _attacks(scores, model):
    return {
        score["name"]: {key: value for key, value in score.items() if key not in ("model", "name")}
        for score in scores
        if score["model"] == model
    }


def _dataset(schema):
    keys = (
        "name",
        "kind",
        "fingerprint",
        "target",
        "hidden",
        "task",
        "splits",
        "bad_records",
        "shape",
        "official_split",
    )
    return {key: schema[key] for key in keys}


SUMMARY_KEYS = ("test_accuracy", "balanced_accuracy", "auc")


def summary(rows) -> list[dict]:
    """Mean and standard deviation over seeds of each method's scores, one entry for each method and setting."""

    def group(row):
        settings = row["settings"]
        level = settings.get(LEVELS.get(row["method"]), 0)
        return row["method"], settings.get("num_pre_blocks", 0), settings.get("group_size", 0), level

    result = []
    for (method, num_pre_blocks, group_size, level), members in itertools.groupby(sorted(rows, key=group), key=group):
        members = list(members)
        figures = {key: [row[key] for row in members] for key in SUMMARY_KEYS}
        for name, attack in members[0]["attacks"].items():
            if "skipped" not in attack:
                figures[f"attack {name}"] = [row["attacks"][name]["score"] for row in members]
        entry = {"method": method, "seeds": len(members)}
        if method == "datamix":
            entry |= {"num_pre_blocks": num_pre_blocks, "group_size": group_size}
        if method in LEVELS:
            entry[LEVELS[method]] = level
        entry |= {key: members[0][key] for key in ("edge_params", "edge_macs", "bytes_up", "bytes_down")}
        entry["mean"] = {key: float(np.mean(values)) for key, values in figures.items()}
        entry["std"] = {
            key: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0 for key, values in figures.items()
        }
        result.append(entry)
    order = {"edge": 0, "cloud": 1, "noise": 2, "blur": 3}
    return sorted(result, key=lambda entry: (order.get(entry["method"], 4), entry.get("num_pre_blocks", 0)))
