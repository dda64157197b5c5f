"""Obfuscator: the comparison of the obfuscation paper, every network and every method an independent Beam element."""

from __future__ import annotations

import dataclasses
import json
import os

import apache_beam as beam

from components.attacker import known_classes, only
from components.base import Component, ComponentSpec
from components.caching.result_cache import kept
from components.errors import InputError
from components.obfuscation import ObfuscationConfig, SplitNetConfig, build, content_by_layer, train_network
from components.storage.artifacts import Artifact, Examples, write_json
from components.training.data import arrays, hidden_task

CONTENT_EXAMPLES = 256
MIN_EXAMPLES = 8
ATTACK_RATE = 3e-3


class ObfuscationScores(Artifact):
    """Accuracy, attacks and costs of obfuscations: `obfuscation.json`."""


class Obfuscator(Component):
    """Trains six-layer networks, obfuscates their features, and attacks what is sent.

    Parameters:
        networks: `SplitNetConfig`s.
        methods: `ObfuscationConfig`s on them.
        keep: Folder that keeps what was finished, so that a stopped run goes on.

    Inputs:
        examples: `Examples` with one target column.

    Outputs:
        scores: `ObfuscationScores`: `networks` (accuracy, preserved content by split layer) and `rows` (method,
            split layer, level, accuracy, costs on the edge, bytes up, and for each hidden column score, chance, n).

    Raises:
        InputError: If a hidden column has no two values with enough examples.
    """

    spec = ComponentSpec(
        inputs={"examples": Examples},
        outputs={"scores": ObfuscationScores},
        parameters={"networks": list, "methods": list, "keep": str},
    )
    without_effect = ("keep",)

    def execute(self, inputs, outputs, options):
        examples, keep = inputs["examples"], self.parameters["keep"]
        for column in {column for method in self.parameters["methods"] for column in method.hidden}:
            _check_hidden(examples, column)
        with beam.Pipeline(options=options) as pipeline:
            networks = (
                pipeline
                | "Networks" >> beam.Create(self.parameters["networks"])
                | "SpreadNetworks" >> beam.Reshuffle()
                | "Train" >> beam.Map(_network, examples, keep)
                | "CollectNetworks" >> beam.combiners.ToList()
            )
            rows = (
                pipeline
                | "Methods" >> beam.Create(self.parameters["methods"])
                | "SpreadMethods" >> beam.Reshuffle()
                # The networks are a side input so that all are trained before a method takes one.
                | "Measure" >> beam.Map(_row, examples, keep, beam.pvalue.AsSingleton(networks))
                | "CollectRows" >> beam.combiners.ToList()
            )
            _ = rows | "Write" >> beam.Map(_write, beam.pvalue.AsSingleton(networks), outputs["scores"])


def _check_hidden(examples, column):
    """Here, and not in a worker: Beam turns exceptions into its own."""
    train, test = (arrays(examples, split, column)[2] for split in ("train", "test"))
    if len(known_classes(train, test, MIN_EXAMPLES)) < 2:
        raise InputError(
            f"expected two values of the hidden column {column!r} with {MIN_EXAMPLES} train examples and a test "
            "example at least; add examples or name another column with --hidden"
        )


def _write(rows, networks, artifact):
    order = {"networks": networks, "rows": rows}
    write_json(
        artifact.path("obfuscation.json"),
        {key: sorted(value, key=lambda entry: json.dumps(entry, sort_keys=True)) for key, value in order.items()},
    )


def _network(config: SplitNetConfig, examples: Examples, keep: str) -> dict:
    """Trains a network, or takes the kept one; returns its description."""
    network = trained_network(config, examples, keep)
    _, x, y = arrays(examples, "test")
    return {
        "name": config.name,
        "config": dataclasses.asdict(config),
        "test_accuracy": _accuracy(network, x, y),
        "content": content_by_layer(network, x[:CONTENT_EXAMPLES].astype("float32")),
    }


def trained_network(config: SplitNetConfig, examples: Examples, keep: str):
    """A trained network, or the kept one; freshly loaded, so that the caller may change its weights."""
    import keras

    def make(working):
        train_network(config, examples).save(os.path.join(working, "model.keras"))

    path = kept(keep, {"splitnet": dataclasses.asdict(config)}, examples, make, build.__module__)
    return keras.saving.load_model(os.path.join(path, "model.keras"), compile=False)


def _row(config: ObfuscationConfig, examples: Examples, keep: str, networks) -> dict:
    """Measures one method, or takes what was kept."""
    del networks

    def make(working):
        write_json(os.path.join(working, "row.json"), measure(config, examples, keep))

    return _read(kept(keep, {"obfuscation": dataclasses.asdict(config)}, examples, make, __name__), "row.json")


def measure(config: ObfuscationConfig, examples: Examples, keep: str) -> dict:
    """Builds a method's network, and measures its accuracy, its costs and what is read from what it sends."""
    import keras

    from datamix_tf.costs import count_macs, output_bytes
    from datamix_tf.transmission import obfuscation_of

    network = trained_network(config.network, examples, keep)
    keras.utils.set_random_seed(config.network.seed)
    model, level = build(config, network, examples)
    client = keras.Model(model.inputs[0], obfuscation_of(model).output)
    row = {
        "method": config.method,
        "network": config.network.name,
        "seed": config.network.seed,
        "split_layer": config.split_layer,
        "level": config.level,
        "in_use": level,
        "edge_macs": count_macs(client),
        "bytes_up": _bytes_up(config, level, client, output_bytes),
    }
    for split in ("valid", "test"):
        _, x, y = arrays(examples, split)
        row[f"{split}_accuracy"] = _accuracy(model, x, y)
    row["difference"] = _difference(model, network, examples) if config.method == "signal" else None
    row["attacks"] = {column: attack(model, config, column, examples) for column in config.hidden}
    return row


def attack(model, config: ObfuscationConfig, column: str, examples: Examples) -> dict:
    """What a network of the server's architecture reads of a hidden column from what is sent."""
    from components.training.epoch_bar import EpochBar
    from datamix_tf.attacks import AttackTraining, LabelAttack

    schema = examples.read_json("schema.json")
    splits = {split: arrays(examples, split, column)[1:] for split in ("train", "valid", "test")}
    known = known_classes(splits["train"][1], splits["test"][1], MIN_EXAMPLES)
    splits = {split: only(known, *pair) for split, pair in splits.items()}
    training = AttackTraining(
        epochs=config.attack_epochs,
        patience=config.attack_patience,
        batch_size=config.network.batch_size,
        learning_rates=(ATTACK_RATE,),
        seed=config.network.seed,
    )
    bar = [
        EpochBar(f"{hidden_task(schema, column).name} from {config.method} {config.level:g} at {config.split_layer}")
    ]
    attacker = LabelAttack(model, len(known), binary=False, training=training, callbacks=bar)
    attacker.fit(splits["train"], splits["valid"] if len(splits["valid"][1]) else splits["train"])
    return {**attacker.score(splits["test"]).to_dict(), "classes": len(known)}


def _bytes_up(config, level, client, output_bytes):
    """Bytes of what is sent, as float32; of pruned features those that are left."""
    whole = output_bytes(client)
    return int(whole * level / client.output_shape[-1]) if config.method == "pruning" else whole


def _accuracy(model, x, y):
    return float((model.predict(x.astype("float32"), batch_size=256, verbose=0).argmax(1) == y).mean())


def _difference(model, network, examples):
    """Largest difference of the logits from those without obfuscation, relative to the largest logit."""
    import numpy as np

    _, x, _ = arrays(examples, "test")
    x = x[:CONTENT_EXAMPLES].astype("float32")
    wanted, actual = (part.predict(x, batch_size=256, verbose=0) for part in (network, model))
    return float(np.abs(actual - wanted).max() / np.abs(wanted).max())


def _read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)
