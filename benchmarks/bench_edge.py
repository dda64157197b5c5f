"""The edge's work on LiteRT: what mixing and packing add to M_pre, and the halves against the whole network.

    python -m benchmarks.bench_edge [--rounds 20] [--threads 1]

One group of 8 inputs, ResNet-18 cut at N_pre = 1, 2, 3. On the way up: M_pre alone against M_pre with mixing and the
packed message (of which `rows_ms` is to convert the rows, `message_ms` that with base64 and the body). On the way down:
M_post alone against reading the answer, de-mixing and M_post. And both halves against the whole network on the edge, by
precision of the halves.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import os
import tempfile

import numpy as np

from benchmarks.bench_serving import GROUP_SIZE, SIZES, export
from benchmarks.figures import in_turns, milliseconds, show

TARGET = "<= 1.15"
WIRES = ("float16", "bfloat16", "int8")


def answer_to(message, base, manifest):
    """The answer of the exported cloud model to a packed message, without a server."""
    import tensorflow as tf

    from serving.cloud import json_tensors

    loaded = tf.saved_model.load(os.path.join(base, manifest.model_name, str(manifest.model_version)))
    rows = [base64.b64decode(row["b64"]) for row in json.loads(message.body)["instances"]]
    (answers,) = loaded.signatures[manifest.packed_signature](tf.constant(rows)).values()
    return json_tensors.to_json({manifest.output_name + "_bytes": answers.numpy()}, json_tensors.ROW)


def runner(path, signature, threads, **inputs):
    """A function that runs one signature of a TFLite file."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=path, num_threads=threads).get_signature_runner(signature)
    return lambda: run(**inputs)


def measure(name, shape, blocks, rounds, threads):
    """All figures of one input size and one cut."""
    from components.export.tflite import PRECISIONS, convert_halves, convert_model
    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18
    from serving.edge.bundle import Halves
    from serving.edge.keys import Key
    from serving.edge.manifest import hash_files
    from serving.edge.messages import Message
    from serving.protocol.wire import TAG_BYTES, pack

    network = resnet18(shape, 40)
    model = DataMixModel(*split(network, after=pre_layer(blocks), before=CLASSIFIER), group_size=GROUP_SIZE)
    x = np.random.default_rng(0).uniform(0, 255, (GROUP_SIZE, *shape)).astype("float32")
    y = np.zeros((GROUP_SIZE, *model.main.output_shape[1:]), "float32")
    key, tags = Key(GROUP_SIZE), [b"t" * TAG_BYTES] * GROUP_SIZE
    with tempfile.TemporaryDirectory() as folder:
        base, manifest = export(model, folder)
        files = {part: os.path.join(folder, f"{part}.tflite") for part in ("whole", "pre alone", "post alone")}
        convert_model(network, GROUP_SIZE, files["whole"])
        convert_model(model.pre, GROUP_SIZE, files["pre alone"])
        convert_model(model.post, GROUP_SIZE, files["post alone"])
        converted = convert_halves(model, folder)
        manifest = dataclasses.replace(manifest, halves=converted, files=hash_files(folder))
        halves = {precision: Halves(folder, manifest, precision, threads) for precision in PRECISIONS}
        half = halves["float32"]
        message = Message(half.mix(x, key), "float16", manifest)
        answer = answer_to(message, base, manifest)
        ways = {"whole": runner(files["whole"], "run", threads, x=x)}
        ways["pre"] = runner(files["pre alone"], "run", threads, x=x)
        ways["post"] = runner(files["post alone"], "run", threads, x=y)
        ways["mix"] = lambda: half.mix(x, key)
        mixtures = half.mix(x, key)
        for wire in WIRES:
            ways[wire] = lambda wire=wire: Message(half.mix(x, key), wire, manifest).body
            ways["message", wire] = lambda wire=wire: Message(mixtures, wire, manifest).body
            ways["rows", wire] = lambda wire=wire: pack(mixtures, wire, tags)
        ways["down"] = lambda: half.demix(message.read(answer), key)
        for precision, run in halves.items():
            ways["halves", precision] = lambda run=run: (run.mix(x, key), run.demix(y, key))
        times = in_turns(ways, rounds)
    details = {"input": name, "num_pre_blocks": blocks, "group_size": GROUP_SIZE, "threads": threads}
    up = details | {"pre_ms": milliseconds(times["pre"]), "pre_mix_ms": milliseconds(times["mix"])}
    for wire in WIRES:
        parts = {"rows_ms": milliseconds(times["rows", wire]), "message_ms": milliseconds(times["message", wire])}
        show("pre + mix + pack / pre (LiteRT)", times[wire] / times["pre"], TARGET, **up, wire=wire, **parts)
    down = details | {"post_ms": milliseconds(times["post"])}
    show("unpack + de-mix + post / post (LiteRT)", times["down"] / times["post"], **down)
    for precision in PRECISIONS:
        ratios = times["halves", precision] / times["whole"]
        show(
            "edge halves / whole network on the edge (LiteRT)",
            ratios,
            **details,
            precision=precision,
            whole_ms=milliseconds(times["whole"]),
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="rounds of alternating measurements")
    parser.add_argument("--threads", type=int, default=1, help="threads of LiteRT")
    parser.add_argument("--inputs", nargs="+", choices=SIZES, default=list(SIZES), help="sizes of the pictures")
    arguments = parser.parse_args()
    for name in arguments.inputs:
        for blocks in (1, 2, 3):
            measure(name, SIZES[name], blocks, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    main()
