"""Evaluator: accuracy with its unflattering companions, costs and leakage of every method, as metrics.json's rows."""

from __future__ import annotations

import math

import apache_beam as beam
import numpy as np

from components.base import Component, ComponentSpec
from components.blessing import Thresholds, blessing
from components.storage.artifacts import DESCRIBED, AttackScores, Blessing, Evaluation, Examples, Models, write_json
from components.training import models as trained
from components.training.data import arrays, target_task
from components.training.methods import LEVELS, METHODS, MIXING, SENDING_NOTHING, VARIANTS, members_of, variant

SCHEMA_VERSION = 1
BATCH_SIZE = 256


class Evaluator(Component):
    """Measures the trained models and joins the attack scores.

    Parameters:
        methods: Pairs of a method's name (`components.training.methods.METHODS`) and the model that it runs.
        model: The model that is to be pushed.
        thresholds: `Thresholds` that it must reach.

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
        parameters={"methods": list, "model": str, "thresholds": Thresholds},
    )

    def execute(self, inputs, outputs, options):
        examples, models = inputs["examples"], inputs["models"]
        names = list(dict.fromkeys(model for _, model in self.parameters["methods"]))
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Models" >> beam.Create(names)
                | "Spread" >> beam.Reshuffle()
                | "Measure" >> beam.Map(_measured, models, examples)
                | "Collect" >> beam.combiners.ToDict()
                | "Write" >> beam.Map(self._write, inputs, outputs)
            )

    def _write(self, measured, inputs, outputs):
        schema = inputs["examples"].read_json("schema.json")
        scores = inputs["scores"].read_json("scores.json")
        rows = [
            _row(method, measured[model], trained.training(inputs["models"], model), _attacks(scores, model))
            | {"model": model}
            for method, model in self.parameters["methods"]
        ]
        write_json(
            outputs["evaluation"].path("metrics.json"),
            {
                "schema": SCHEMA_VERSION,
                "dataset": _dataset(schema),
                "rows": rows,
                "summary": summary(rows),
            },
        )
        found = blessing(rows, self.parameters["model"], self.parameters["thresholds"])
        write_json(outputs["blessing"].path("blessing.json"), found)


def _measured(name, models, examples):
    """A model's name and measurements; with the same keys every time, so that a run can be repeated."""
    import keras

    keras.utils.set_random_seed(trained.training(models, name)["config"]["seed"])
    return name, measure(trained.load(models, name), examples)


def measure(model, examples: Examples) -> dict:
    """Accuracy and costs of a model.

    Returns:
        `accuracy` (a dictionary of scores), for models that mix also `unmixed` (the same weights without mixing) and
        for a `DataMixModel` `wrong_key` (de-mixed with other keys than mixed); `whole` and `edge`, the costs of the
        whole network and of the edge's part; `bytes_up` and `bytes_down` of one example.
    """
    from datamix_tf import DataMixModel
    from datamix_tf.costs import cost_of
    from datamix_tf.mixup_model import MixupModel
    from datamix_tf.transmission import obfuscation_of

    schema = examples.read_json("schema.json")
    splits = {split: arrays(examples, split)[1:] for split in ("valid", "test")}
    result = {"accuracy": scores_of(model, splits, schema)}
    if isinstance(model, MixupModel):
        edge, cloud = cost_of(model.pre), cost_of(model.main)
        wire = {"bytes_up": edge["output_bytes"], "bytes_down": cloud["output_bytes"]}
        return {**result, "unmixed": scores_of(model.unmixed(), splits, schema), "edge": edge, **wire}
    if isinstance(model, DataMixModel):
        result["unmixed"] = scores_of(model.unmixed(), splits, schema)
        result["wrong_key"] = scores_of(wrong_key(model), splits, schema)
        pre, main, post = (cost_of(part) for part in (model.pre, model.main, model.post))
        edge = {key: pre[key] + post[key] for key in ("params", "macs")}
        return {**result, "edge": edge, "bytes_up": pre["output_bytes"], "bytes_down": main["output_bytes"]}
    whole, layer = cost_of(model), obfuscation_of(model)
    edge = {"params": 0, "macs": 0} if layer is None else obfuscation_cost(model, layer)
    wire = {"bytes_up": sent_bytes(layer, schema), "bytes_down": whole["output_bytes"]}
    return {**result, "edge": edge, "whole": whole, **wire}


def obfuscation_cost(model, layer) -> dict[str, int]:
    """Parameters and multiply-adds of an obfuscation; those without weights count nothing, as in the papers."""
    import keras

    from datamix_tf.costs import cost_of
    from datamix_tf.layers import SignalContent

    if isinstance(layer, SignalContent):
        return cost_of(keras.Model(model.inputs[0], layer.output))
    return cost_of(layer.generator) if hasattr(layer, "generator") else {"params": 0, "macs": 0}


def sent_bytes(layer, schema) -> int:
    """Bytes of one sent input: raw ones as they are stored, blurred ones as their few pixels, others as float32."""
    from datamix_tf.layers import Blur, SignalContent

    height, width, channels = schema["shape"]
    if layer is None:
        return height * width * channels * np.dtype(schema["dtype"]).itemsize
    if isinstance(layer, SignalContent):
        return 4 * math.prod((*layer.places, layer.rank))
    return layer.size**2 * channels if isinstance(layer, Blur) else 4 * height * width * channels


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


def _row(method, measured, training, attacks):
    edge, wire = measured["edge"], {key: measured[key] for key in ("bytes_up", "bytes_down")}
    if method in SENDING_NOTHING:
        edge, wire = measured["whole"], {"bytes_up": 0, "bytes_down": 0}
        attacks = {name: _guessing(attack) for name, attack in attacks.items()}
    row = {
        "method": method,
        "settings": _row_settings(method, training["config"]),
        "edge_params": edge["params"],
        "edge_macs": edge["macs"],
        **wire,
        **measured["accuracy"],
        "attacks": attacks,
        "training_seconds": training["seconds"],
    }
    return row | {name: measured[name] for name in ("unmixed", "wrong_key") if name in measured}


def _row_settings(method, config):
    """The settings of a model that mean something for the method."""
    settings = {name: value for name, value in config.items() if name not in ("method", "level", "people")}
    for key in ("num_pre_blocks", "group_size", "signal_rank", "bottleneck_units", "bottleneck_bits"):
        if key not in VARIANTS[method]:
            del settings[key]
    if method not in MIXING:
        for key in ("curriculum", "standardize"):
            del settings[key]
    return settings | ({LEVELS[method]: config["level"]} if method in LEVELS else {})


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
    return {key: schema[key] for key in DESCRIBED}


SUMMARY_KEYS = ("valid_accuracy", "test_accuracy", "balanced_accuracy", "auc")


def summary(rows) -> list[dict]:
    """Mean and standard deviation over seeds of each method's scores, one entry for each method and setting."""

    result = []
    variants = {(row["method"], *variant(row).values()): None for row in rows}
    for method, *settings in variants:
        entry = {"method": method, **dict(zip(VARIANTS[method], settings, strict=True))}
        members = members_of(entry, rows)
        figures = {key: [row[key] for row in members] for key in SUMMARY_KEYS}
        for name, attack in members[0]["attacks"].items():
            if "skipped" not in attack:
                figures[f"attack {name}"] = [row["attacks"][name]["score"] for row in members]
        entry |= {"seeds": len(members), "models": [row["model"] for row in members]}
        entry |= {key: members[0][key] for key in ("edge_params", "edge_macs", "bytes_up", "bytes_down")}
        entry["mean"] = {key: float(np.mean(values)) for key, values in figures.items()}
        entry["std"] = {
            key: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0 for key, values in figures.items()
        }
        result.append(entry)
    return sorted(result, key=lambda entry: METHODS.index(entry["method"]))
