"""Packager: turns a trained model into the cloud's SavedModel and the edge's bundle, and checks that they agree."""

from __future__ import annotations

import os

import apache_beam as beam
import numpy as np

from components import models as trained
from components.artifacts import Examples, Models, Package, write_json
from components.base import Component, ComponentSpec
from components.data import arrays, target_task
from components.errors import InputError
from components.tflite import convert_halves, run_signature
from serving.cloud import saved_model
from serving.edge import manifest

TOLERANCE = 1e-4


class Packager(Component):
    """Exports one `DataMixModel`.

    Parameters:
        model: Name of the trained model.
        model_name: Name that the cloud serves it under.
        model_version: Its version, a positive integer.

    Inputs:
        examples: `Examples`; a group of its test split checks the exports.
        models: `Models`.

    Outputs:
        package: `Package`: `serving/` (SavedModel of M_main), `edge/` (`pre.tflite`, `post.tflite`, `manifest.json`),
            `agreement.json` (largest relative differences between Keras, SavedModel and TFLite).

    Raises:
        RuntimeError: If an export does not agree with the Keras model within 1e-4 (relative to the largest value).
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"package": Package},
        parameters={"model": str, "model_name": str, "model_version": int},
    )

    def execute(self, inputs, outputs, options):
        with beam.Pipeline(options=options) as pipeline:
            _ = (
                pipeline
                | "Model" >> beam.Create([self.parameters["model"]])
                | "Package" >> beam.Map(self._package, inputs, outputs["package"])
            )

    def _package(self, name, inputs, package):
        model = trained.load(inputs["models"], name)
        if not hasattr(model, "pre"):
            raise InputError(f"only a model with pre, main and post can be packaged, but {name!r} is not split")
        schema = inputs["examples"].read_json("schema.json")
        _, x, _ = arrays(inputs["examples"], "test")
        x = np.resize(x, (model.group_size, *x.shape[1:])).astype("float32")
        saved_model.export_main(model.main, package.path("serving"))
        os.makedirs(package.path("edge"))
        convert_halves(model, package.path("edge"))
        described = self._manifest(model, schema, package).to_json()
        with open(package.path("edge", manifest.FILE), "w", encoding="utf-8") as file:
            file.write(described)
        agreement = agreement_of(model, package, x)
        write_json(package.path("agreement.json"), agreement)
        worst = max(agreement, key=agreement.get)
        if agreement[worst] > TOLERANCE:
            raise RuntimeError(f"the export differs from the Keras model: {worst} by {agreement[worst]:.2e} (relative)")

    def _manifest(self, model, schema, package):
        task = target_task(schema)
        return manifest.Manifest(
            model_name=self.parameters["model_name"],
            model_version=self.parameters["model_version"],
            signature=saved_model.SERVING_DEFAULT,
            input_name=saved_model.INPUT,
            output_name=saved_model.OUTPUT,
            group_size=model.group_size,
            input_shape=tuple(model.pre.input_shape[1:]),
            feature_shape=tuple(model.pre.output_shape[1:]),
            answer_shape=tuple(model.main.output_shape[1:]),
            task=task.kind,
            labels=task.labels,
            preprocessing=schema["preprocessing"],
            files=manifest.hash_files(package.path("edge")),
            cloud_files=manifest.hash_files(package.path("serving")),
        )


def agreement_of(model, package: Package, x) -> dict[str, float]:
    """Largest differences between Keras and the exports on one group, relative to the largest value of Keras's result.

    Args:
        model: The `DataMixModel`.
        package: What was exported from it.
        x: Float32 inputs `[group_size, ...]`.

    Returns:
        `pre`, `main`, `post` (each half on the same input) and `chained` (all three by hand against the Keras chain).
    """
    import tensorflow as tf

    key = np.asarray(model.keys(np.zeros((model.group_size, 1), "float32")))
    mixtures = np.asarray(model.mix(model.pre(x, training=False), key))
    answers = np.asarray(model.main(mixtures, training=False))
    outputs = np.asarray(model.post(model.demix(answers, key), training=False))
    cloud = tf.saved_model.load(package.path("serving")).signatures[saved_model.SERVING_DEFAULT]

    def ask(features):
        return cloud(**{saved_model.INPUT: tf.constant(features)})[saved_model.OUTPUT].numpy()

    pre, post = package.path("edge", manifest.PRE), package.path("edge", manifest.POST)
    sent = run_signature(pre, manifest.MIX, x=x, key=key[0])
    chained = run_signature(post, manifest.DEMIX, y=ask(sent), key=key[0])
    return {
        "pre": _difference(sent, mixtures),
        "main": _difference(ask(mixtures), answers),
        "post": _difference(run_signature(post, manifest.DEMIX, y=answers, key=key[0]), outputs),
        "chained": _difference(chained, outputs),
    }


def _difference(actual, expected):
    return float(np.abs(actual - expected).max() / np.abs(expected).max())
