"""Packager: turns trained models into the cloud's SavedModel and the edge's bundles, and checks that they agree."""

from __future__ import annotations

import os

import apache_beam as beam
import numpy as np

from components.base import Component, ComponentSpec
from components.errors import InputError
from components.export.bundle import quiet, write_bundle
from components.export.edge_only import write_edge_only
from components.export.tflite import PRECISIONS, half_file, run_signature
from components.records.metrics import METRICS_FILE, Metrics
from components.report.separation import separated
from components.storage import files
from components.storage.artifacts import Evaluation, Examples, Models, Package, write_json
from components.storage.model_folders import next_version
from components.training import models as trained
from components.training.data import target_task
from components.training.splits import Split
from serving.cloud import json_tensors, saved_model
from serving.cloud.servable import Servable
from serving.edge import edge_only, manifest, messages
from serving.edge.bundle import EDGE_ONLY, Halves
from serving.edge.keys import Key
from serving.edge.notices import worst

TOLERANCE = 1e-4


class Packager(Component):
    """Exports one `DataMixModel`, and a model that runs on the edge as a whole if it is wanted or the run's answer.

    Parameters:
        model: Name of the trained model.
        model_name: Name that the cloud serves it under.
        serving_folder: Base path of the cloud server's models; the version is one more than the highest there.
        edge_only: Name of the trained model that is exported to run on the edge alone; empty for the model of the
            evaluator's answer if that sends nothing, else for none.
        gateway_keys: Key configurations of the cloud's Oblivious HTTP gateway for the bundle: SHA-256 -> base64.

    Inputs:
        examples: `Examples`; a group of its test split checks the exports.
        models: `Models`.
        evaluation: `Evaluation`, with the answer, and the attacks of which the bundle tells its users.

    Outputs:
        package: `Package`: `serving/` (SavedModel of M_main), `edge/` (`pre.tflite`, `post.tflite`, `manifest.json`),
            perhaps `edge_only/` (`model.tflite`, `manifest.json`), `agreement.json` (largest relative differences
            between Keras, SavedModel and TFLite), `traffic.json` (bytes of one example's share of a message to the
            cloud and of its answer, by wire format).

    Raises:
        RuntimeError: If an export does not agree with the Keras model within 1e-4 (relative to the largest value).
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models, "evaluation": Evaluation},
        outputs={"package": Package},
        parameters={"model": str, "model_name": str, "serving_folder": str, "edge_only": str, "gateway_keys": dict},
    )
    without_effect = ("serving_folder",)

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Model" >> beam.Create([self.parameters["model"]])
                | "Package" >> beam.Map(self._write, inputs, outputs["package"].uri)
            )

    def _write(self, name, inputs, folder):
        with files.writing(folder) as local:
            self._package(name, inputs, Package(local))

    def _package(self, name, inputs, package):
        model = trained.load(inputs["models"], name)
        if not hasattr(model, "pre"):
            raise InputError(f"only a model with pre, main and post can be packaged, but {name!r} is not split")
        schema = inputs["examples"].schema()
        x = Split(inputs["examples"], "test").x[: model.group_size]
        x = np.resize(x, (model.group_size, *x.shape[1:])).astype("float32")
        described = self._bundle(model, schema, package, attacks_on(name, model, inputs))
        write_json(package.path("traffic.json"), traffic_of(package, described, x))
        agreement = agreement_of(model, package, x)
        alone = self.parameters["edge_only"] or answered(inputs["evaluation"])
        if alone:
            agreement[EDGE_ONLY] = _export_edge_only(trained.load(inputs["models"], alone), schema, package, x)
        write_json(package.path("agreement.json"), agreement)
        exact = [name for name in agreement if "." not in name]
        worst = max(exact, key=agreement.get)
        if agreement[worst] > TOLERANCE:
            raise RuntimeError(f"the export differs from the Keras model: {worst} by {agreement[worst]:.2e} (relative)")

    def _bundle(self, model, schema, package, attacks):
        task, served_as = target_task(schema), self.parameters["model_name"]
        return write_bundle(
            model,
            package.path("serving"),
            package.path("edge"),
            name=served_as,
            version=next_version(self.parameters["serving_folder"], served_as),
            task=task.kind,
            labels=task.labels,
            preprocessing=schema.preprocessing,
            gateway_keys=self.parameters["gateway_keys"],
            attacks=attacks,
        )


def attacks_on(name: str, model, inputs) -> list[manifest.MeasuredAttack]:
    """What a model's users are told: of each threat model the worst attack of the run, and separation of a group.

    Args:
        name: Of the trained model.
        model: The `DataMixModel`.
        inputs: The packager's: `examples` and `evaluation`.
    """
    rows = inputs["evaluation"].read(METRICS_FILE, Metrics).rows
    found = [
        manifest.MeasuredAttack(key, attack.threat, attack.measure, attack.score, attack.chance, attack.n)
        for row in rows
        if row.model == name
        for key, attack in row.attacks.items()
        if attack.is_share and attack.threat
    ]
    if separation := separated(model, inputs["examples"]):
        score = separation.score
        found.append(
            manifest.MeasuredAttack(score.name, score.threat, score.measure, score.score, score.chance, score.n)
        )
    threats = sorted({attack.threat for attack in found})
    return [worst([attack for attack in found if attack.threat == threat]) for threat in threats]


def answered(evaluation: Evaluation) -> str:
    """Name of the model that the evaluator's answer would run on the edge as a whole; empty if it says otherwise."""
    answer = evaluation.read(METRICS_FILE, Metrics).answer
    if answer is None or answer.defence is None or not answer.defence.sends_nothing:
        return ""
    return answer.models[0]


def _export_edge_only(model, schema, package, x):
    """Writes the edge-only bundle; returns how far it is from the Keras model, relative to the largest logit."""
    task = target_task(schema)
    folder = package.path(EDGE_ONLY)
    write_edge_only(model, folder, task=task.kind, labels=task.labels, preprocessing=schema.preprocessing)
    path = os.path.join(folder, edge_only.FILE)
    found = np.concatenate([run_signature(path, edge_only.SIGNATURE, **{edge_only.INPUT: row[None]}) for row in x])
    return _difference(found, np.asarray(model(x, training=False)))


def agreement_of(model, package: Package, x) -> dict[str, float]:
    """Largest differences between Keras and the exports on one group, relative to the largest value of Keras's result.

    Args:
        model: The `DataMixModel`.
        package: What was exported from it.
        x: Float32 inputs `[group_size, ...]`.

    Returns:
        `pre`, `main`, `post` (each half on the same input) and `chained` (all three by hand against the Keras chain);
        likewise `chained.float16` and `chained.int8` with the smaller halves, of which no agreement is demanded.
    """
    import tensorflow as tf

    model, _ = quiet(model)
    key = np.asarray(model.keys(np.zeros((model.group_size, 1), "float32")))
    mixtures = np.asarray(model.mix(model.pre(x, training=False), key))
    answers = np.asarray(model.main(mixtures, training=False))
    outputs = np.asarray(model.post(model.demix(answers, key, model.zero_answer(mixtures)), training=False))
    cloud = tf.saved_model.load(package.path("serving")).signatures[saved_model.SERVING_DEFAULT]

    def ask(features):
        return cloud(**{saved_model.INPUT: tf.constant(features)})[saved_model.OUTPUT].numpy()

    def chain(precision):
        pre, post = (package.path("edge", half_file(name, precision)) for name in (manifest.PRE, manifest.POST))
        sent = run_signature(pre, manifest.MIX, x=x, key=key[0])
        return sent, run_signature(post, manifest.DEMIX, y=ask(sent), key=key[0])

    sent, chained = chain("float32")
    post = run_signature(package.path("edge", manifest.POST), manifest.DEMIX, y=answers, key=key[0])
    return {
        "pre": _difference(sent, mixtures),
        "main": _difference(ask(mixtures), answers),
        "post": _difference(post, outputs),
        "chained": _difference(chained, outputs),
        **{f"chained.{precision}": _difference(chain(precision)[1], outputs) for precision in PRECISIONS[1:]},
    }


def traffic_of(package: Package, described: manifest.Manifest, x) -> dict[str, dict[str, float]]:
    """Bytes of HTTP bodies for one of the rows of a message of one group, up and down, by wire format.

    Args:
        package: With both exports.
        described: The bundle's manifest.
        x: Float32 inputs `[group_size, ...]`.

    Returns:
        Wire format -> `bytes_up`, `bytes_down`.
    """
    cloud = Servable(described.model_name, described.model_version, package.path("serving"))
    key = Key(described.group_size)
    mixtures = Halves(package.path("edge"), described, "float32", 1).mix(x, key)
    key.wipe()
    traffic = {}
    for name in messages.WIRES:
        message = messages.Message(mixtures, name, described)
        body = json_tensors.parse(message.body)
        signature = cloud.signature(body.signature_name)
        outputs = cloud.predict(signature, json_tensors.to_arrays(body, signature))
        answer = json_tensors.to_json(outputs, body.format)
        message.read(answer)
        traffic[name] = {"bytes_up": len(message.body) / len(x), "bytes_down": len(answer) / len(x)}
    return traffic


def _difference(actual, expected):
    return float(np.abs(actual - expected).max() / np.abs(expected).max())
