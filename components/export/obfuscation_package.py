"""ObfuscationPackager: the server's profile, the client's choice from it, and both halves as they are deployed."""

from __future__ import annotations

import dataclasses
import os

import numpy as np

from components.base import Component, ComponentSpec
from components.errors import InputError
from components.storage import files
from components.storage.artifacts import Artifact, Examples, Models, write_json
from components.training import models as trained
from components.training.splits import Split, rows_of

EDGE_FILE, CHECKED = "client.tflite", 8
CONTENT_EXAMPLES = 256
TOLERANCE = 1e-4


class ObfuscationPackage(Artifact):
    """`profile.json`, `choice.json`, `content.json`, `edge/client.tflite`, `serving/` (a SavedModel)."""


class ObfuscationPackager(Component):
    """Measures the profile of a network on the valid split, chooses from it, exports both halves.

    Parameters:
        networks: Names of six-layer networks whose signal content is measured, on the test split (figure 2).
        model: Name of the one that is exported.
        max_macs: Most multiply-adds on the edge.
        max_accuracy_drop: Largest loss of accuracy, a share from 0 to 1.

    Inputs:
        examples: `Examples`.
        models: `Models`.

    Outputs:
        package: `ObfuscationPackage`; the edge half takes raw inputs (signature `run`, one at a time) to coefficients,
            the server's `features` are those coefficients.

    Raises:
        InputError: If nothing in the profile is within the limits.
        RuntimeError: If the exports do not agree with the Keras model within 1e-4, relative to the largest logit.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples, "models": Models},
        outputs={"package": ObfuscationPackage},
        parameters={"networks": list, "model": str, "max_macs": float, "max_accuracy_drop": float},
    )

    def execute(self, inputs, outputs, options):
        with files.writing(outputs["package"].uri) as folder:
            self._package(inputs["examples"], inputs["models"], ObfuscationPackage(folder))

    def _package(self, examples, models, package):
        import keras

        from components.export.tflite import convert_model
        from datamix_tf.obfuscation.profile import choose, content_by_layer, profile, serving
        from datamix_tf.sampling import sampled
        from serving.cloud.saved_model import export_main

        networks = {name: trained.load(models, name) for name in self.parameters["networks"]}
        shown = Split(examples, "test").x[:CONTENT_EXAMPLES].astype("float32")
        content = {name: content_by_layer(network, sent_by_layer(network), shown) for name, network in networks.items()}
        write_json(package.path("content.json"), content)
        network = trained.load(models, self.parameters["model"])
        x, y = sampled(rows_of(examples, "valid"))
        layers = sent_by_layer(network)
        entries = profile(network, layers, x.astype("float32"), y)
        write_json(package.path("profile.json"), [described(entry) for entry in entries])
        try:
            choice = choose(entries, self.parameters["max_macs"], self.parameters["max_accuracy_drop"])
        except ValueError as error:
            raise InputError(str(error)) from error
        model = serving(network, layers[choice.split_layer], choice.kept, x.astype("float32"))
        content = model.get_layer("signal_content")
        client = keras.Model(model.inputs[0], content.output, name="client")
        server = keras.Model(content.output, model.outputs[0], name="server")
        os.makedirs(package.path("edge"))
        convert_model(client, 1, package.path("edge", EDGE_FILE))
        export_main(server, package.path("serving"))
        difference = agreement(model, package, x[:CHECKED].astype("float32"))
        write_json(package.path("choice.json"), described(choice) | {"largest_relative_difference": difference})
        if difference > TOLERANCE:
            raise RuntimeError(f"the exports differ from the Keras model by {difference:.1e} of the largest logit")


def sent_by_layer(network) -> dict:
    """What a six-layer network sends at each split layer, as symbolic tensors."""
    from datamix_tf.models.splitnet import NUM_LAYERS, sent

    return {split_layer: sent(network, split_layer) for split_layer in range(1, NUM_LAYERS + 1)}


def described(entry) -> dict:
    """A `ProfileEntry` as a JSON-ready dictionary."""
    return {**dataclasses.asdict(entry), "removed_fraction": entry.removed_fraction}


def agreement(model, package: ObfuscationPackage, x) -> float:
    """Largest difference between the exported halves in a row and the model, relative to the largest logit."""
    import tensorflow as tf

    from components.export.tflite import run_signature
    from serving.cloud.saved_model import INPUT, OUTPUT, SERVING_DEFAULT

    sent = np.concatenate([run_signature(package.path("edge", EDGE_FILE), "run", x=row[None]) for row in x])
    serve = tf.saved_model.load(package.path("serving")).signatures[SERVING_DEFAULT]
    answers, wanted = np.asarray(serve(**{INPUT: tf.constant(sent)})[OUTPUT]), np.asarray(model(x, training=False))
    return float(np.abs(answers - wanted).max() / np.abs(wanted).max())
