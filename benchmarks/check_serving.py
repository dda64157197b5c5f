"""A run's model through sockets against the same model in process.

    python -m benchmarks.check_serving RUN_DIR [RUN_DIR ...]

Starts the embedded server on what a run left, sends its whole test split through the edge client, and runs the Keras
model in process on the same groups with the same keys. One JSON line for each precision of the edge halves and wire
format: the largest difference between probabilities, also with the bundle's own halves in process (what is left then
is what server and wire do), both accuracies, and the bytes for each example.
"""

from __future__ import annotations

import argparse
import json
import os
import types

import numpy as np

from benchmarks.serving_process import server_process

# Precision of the halves, format on the wire.
PAIRS = (
    ("float32", "float32"),
    ("float16", "float32"),
    ("int8", "float32"),
    ("float32", "float16"),
    ("float16", "float16"),
    ("float32", "int8"),
    ("int8", "int8"),
    ("float32", "json"),
)


def in_process(model, rows, keys):
    """The Keras model's logits for whole groups with given keys."""
    mixtures = model.mix(model.pre(rows, training=False), keys)
    answers = model.main(mixtures, training=False)
    return np.asarray(model.post(model.demix(answers, keys, model.zero_answer(mixtures)), training=False))


def same_halves(halves, main, rows, keys):
    """Logits in process with the bundle's own halves: what is left then is what server and wire do."""
    size = keys.shape[-1]
    groups = [rows[start : start + size] for start in range(0, len(rows), size)]
    keys = [types.SimpleNamespace(matrix=key) for key in keys]
    mixtures = np.concatenate([halves.mix(group, key) for group, key in zip(groups, keys, strict=True)])
    answers = np.asarray(main(mixtures, training=False)).reshape(len(groups), size, -1)
    return np.concatenate([halves.demix(group, key) for group, key in zip(answers, keys, strict=True)])


def check(run, precision, wire, url, model, task, split):
    """Figures for one pair of precision and wire format."""
    from serving.edge.client import EdgeClient
    from serving.edge.examples import probabilities
    from serving.edge.trace import Trace

    x, y = split
    size = model.group_size
    # The last inputs of a split that is no multiple of the group size are covered by the first.
    covers = x[:size]
    options = {"precision": precision, "wire": wire, "deadline": 120.0}
    edge, options = os.path.join(run, "edge"), {"covers": covers, "quiet": True, **options}
    with EdgeClient(edge, url, **options) as client, Trace(keys=True) as trace:
        kind = client.manifest.task
        served = np.concatenate([client.predict(x[start : start + 64], trace) for start in range(0, len(x), 64)])
        largest, largest_same, expected = 0.0, 0.0, {}
        for exchange in trace.exchanges:
            rows, keys, outputs = exchange.inputs, np.stack([key.matrix for key in exchange.keys]), exchange.outputs
            reference = probabilities(in_process(model, rows, keys), kind)
            largest = max(largest, float(np.abs(probabilities(outputs, kind) - reference).max()))
            same = probabilities(same_halves(client._halves, model.main, rows, keys), kind)
            largest_same = max(largest_same, float(np.abs(probabilities(outputs, kind) - same).max()))
            expected.update({row.tobytes(): value for row, value in zip(rows, reference, strict=True)})
        reference = np.stack([expected[row.tobytes()] for row in x.astype("float32")])
        traffic = client.traffic
    return {
        "check": "served against in process, same keys",
        "run": os.path.basename(os.path.normpath(run)),
        "halves": precision,
        "wire": wire,
        "examples": len(x),
        "largest_difference": float(f"{largest:.3g}"),
        "with_the_same_halves": float(f"{largest_same:.3g}"),
        "accuracy_served": round(100 * accuracy(served, y, task), 2),
        "accuracy_in_process": round(100 * accuracy(reference, y, task), 2),
        "bytes_up": round(traffic.bytes_up_per_example),
        "bytes_down": round(traffic.bytes_down_per_example),
    }


def accuracy(probabilities, y, task):
    """Share of right labels: of attributes at threshold 0.5, or of classes."""
    if task.kind == "binary":
        return float(((probabilities > 0.5) == y).mean())
    return float((probabilities.argmax(axis=1) == y).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN_DIR", help="output folder of python -m pipeline.run")
    parser.add_argument("--examples", type=int, help="test examples to send (default: all)")
    arguments = parser.parse_args()

    from components.storage.artifacts import Examples, Models
    from components.training import models
    from components.training.data import arrays, target_task

    for run in arguments.runs:
        examples = Examples(os.path.join(run, "artifacts", "transform", "examples"))
        _, x, y = arrays(examples, "test")
        split = x[: arguments.examples], y[: arguments.examples]
        trained = Models(os.path.join(run, "artifacts", "trainer", "models"))
        name = next(name for name in models.names(trained) if name.startswith("datamix"))
        model, task = models.load(trained, name), target_task(examples.schema())
        with server_process(os.path.join(run, "serving")) as (_, url, _):
            for precision, wire in PAIRS:
                print(json.dumps(check(run, precision, wire, url, model, task, split)), flush=True)


if __name__ == "__main__":
    main()
