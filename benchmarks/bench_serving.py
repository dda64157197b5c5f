"""Serving against its alternatives, each pair in one run on this machine.

    python -m benchmarks.bench_serving [wire] [throughput] [edge] [--seconds 10]

- wire: a group's N_pre = 1 feature maps to the cloud and back, packed against plain JSON as a stock client sends it
  (`json.dumps` of `tolist()`) and against JSON with the nine digits that float32 needs. The model behind it is a mere
  mean, so that the figures are the wire's.
- throughput: rows a second of the embedded server (ResNet-18's M_main at 64 x 64, 32 clients that send one group each,
  packed float16) against calls of the same SavedModel in process at the batch size that the server reached.
- edge: LiteRT's time for the edge halves against the whole network on the edge, for one example.

One JSON line for each figure. The whole takes about three minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from benchmarks.serving_process import cpu_seconds, server_process

GROUP_SIZE, ANSWERS = 8, 512
SIZES = {"64x64": (64, 64, 3), "178x218": (218, 178, 3)}
CLIENTS = 32


def show(**figures):
    print(json.dumps(figures), flush=True)


def export(model, folder):
    """Writes the cloud part of a `DataMixModel` as version 1 of `model`; gives the base path and the manifest."""
    from components.bundling import write_bundle

    base, outputs = os.path.join(folder, "serving"), model.post.output_shape[1]
    labels = [f"label {index}" for index in range(outputs)]
    served = {"name": "model", "task": "binary", "labels": labels, "preprocessing": {}}
    cloud, edge = os.path.join(base, "model", "1"), os.path.join(folder, "edge")
    return base, write_bundle(model, cloud, edge, **served)


class StockJson:
    """A message as anyone would send it who reads TensorFlow Serving's documentation."""

    def __init__(self, mixtures):
        self.body = json.dumps({"instances": mixtures.tolist()}).encode()

    def read(self, content):
        return np.asarray(json.loads(content)["predictions"], np.float32)


def wire(seconds):
    """Bytes and times of a message, by format."""
    import keras

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18
    from serving.edge import messages
    from serving.edge.transport import Deadline, Transport

    formats = ["stock json", "json", "float32", "float16", "bfloat16", "int8"]
    for name, shape in SIZES.items():
        pre, _, _ = split(resnet18(shape, 40), after=pre_layer(1), before=CLASSIFIER)
        features = keras.Input(pre.output_shape[1:])
        pooled = keras.layers.GlobalAveragePooling2D()(features)
        main = keras.Model(features, keras.layers.Dense(ANSWERS)(pooled))
        answers = keras.Input(main.output_shape[1:])
        post = keras.Model(answers, keras.layers.Dense(1)(answers))
        model = DataMixModel(pre, main, post, group_size=GROUP_SIZE)
        x = np.random.default_rng(0).uniform(0, 255, (GROUP_SIZE, *shape)).astype("float32")
        key = np.linalg.qr(np.random.default_rng(1).normal(size=(GROUP_SIZE, GROUP_SIZE)))[0]
        mixtures = np.tensordot(key, np.asarray(pre(x, training=False)), 1).astype("float32")
        with tempfile.TemporaryDirectory() as folder:
            base, manifest = export(model, folder)
            with server_process(base) as (process, url, _):
                transport, results = Transport(url), {}

                def once(kind, transport=transport, mixtures=mixtures, manifest=manifest):
                    make = StockJson if kind == "stock json" else lambda rows: messages.Message(rows, kind, manifest)
                    started, used = time.perf_counter(), time.process_time()
                    message = make(mixtures)
                    answer = transport.post(messages.path(manifest), message.body, Deadline(60))
                    values = message.read(answer)
                    return {
                        "bytes": len(message.body) + len(answer),
                        "client_cpu_ms": 1000 * (time.process_time() - used),
                        "latency_ms": 1000 * (time.perf_counter() - started),
                    }, values

                for kind in formats:
                    once(kind)
                    taken, before, end = [], cpu_seconds(process.pid), time.monotonic() + seconds
                    while time.monotonic() < end or len(taken) < 3:
                        taken.append(once(kind)[0])
                    spent = 1000 * (cpu_seconds(process.pid) - before) / len(taken)
                    results[kind] = {key: float(np.median([one[key] for one in taken])) for key in taken[0]}
                    results[kind]["server_cpu_ms"] = spent
                    results[kind]["messages"] = len(taken)
        for kind, figures in results.items():
            ratios = {
                f"{against}/{kind}": {
                    key.removesuffix("_ms"): round(results[against][key] / figures[key], 1)
                    for key in ("bytes", "client_cpu_ms", "server_cpu_ms", "latency_ms")
                }
                for against in ("stock json", "json")
                if kind not in ("stock json", "json")
            }
            show(
                benchmark="wire, one group of 8",
                input=name,
                values=int(np.prod(manifest.feature_shape)) * GROUP_SIZE,
                format=kind,
                **{key: round(value, 2) for key, value in figures.items()},
                ratios=ratios,
            )


def load(url, path, bodies, seconds):
    """Sends bodies from `CLIENTS` threads for some seconds; gives the answers' times and the time that passed."""
    import urllib3

    pool = urllib3.PoolManager(retries=False, maxsize=CLIENTS)
    latencies, stop = [], time.monotonic() + seconds

    def client(index):
        while time.monotonic() < stop:
            started = time.perf_counter()
            response = pool.request("POST", url + path, body=bodies[index % len(bodies)])
            assert response.status == 200, response.data
            latencies.append(time.perf_counter() - started)

    threads = [threading.Thread(target=client, args=(index,)) for index in range(CLIENTS)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return latencies, time.monotonic() - started


def load_process(arguments):
    """The clients in a process of their own, so that they do not share the server's or the benchmark's interpreter."""
    url, path, folder, seconds = arguments
    bodies = [pathlib.Path(folder, name).read_bytes() for name in sorted(os.listdir(folder))]
    latencies, elapsed = load(url, path, bodies, float(seconds))
    print(json.dumps({"latencies": latencies, "elapsed": elapsed}))


def throughput(seconds):
    """The embedded server against the SavedModel in process."""
    import tensorflow as tf
    import urllib3

    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18
    from serving.cloud import saved_model
    from serving.edge import messages

    parts = split(resnet18((64, 64, 3), 40), after=pre_layer(1), before=CLASSIFIER)
    model = DataMixModel(*parts, group_size=GROUP_SIZE)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        base, manifest = export(model, folder)
        bodies = os.path.join(folder, "bodies")
        os.makedirs(bodies)
        for index in range(4):
            rows = rng.normal(size=(GROUP_SIZE, *manifest.feature_shape)).astype("float32")
            with open(os.path.join(bodies, str(index)), "wb") as file:
                file.write(messages.Message(rows, "float16", manifest).body)
        function = tf.saved_model.load(os.path.join(base, "model", "1")).signatures[saved_model.SERVING_DEFAULT]
        rounds, batch = [], 64
        for _ in range(3):
            with server_process(base) as (_, url, _):

                def figure(name, url=url):
                    text = urllib3.request("GET", url + "/monitoring/prometheus/metrics").data.decode()
                    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name + " ")))

                command = [
                    sys.executable,
                    "-m",
                    "benchmarks.bench_serving",
                    "--load",
                    url,
                    messages.path(manifest),
                    bodies,
                ]
                subprocess.run([*command, "2"], check=True, capture_output=True)  # warm
                rows_before, batches_before = figure("datamix_batch_rows_sum"), figure("datamix_batch_rows_count")
                done = subprocess.run([*command, str(seconds)], check=True, capture_output=True, text=True)
                measured = json.loads(done.stdout.splitlines()[-1])
                rows, batches = (
                    figure("datamix_batch_rows_sum") - rows_before,
                    figure("datamix_batch_rows_count") - batches_before,
                )
            batch = max(1, round(rows / batches))
            features = tf.constant(rng.normal(size=(batch, *manifest.feature_shape)).astype("float32"))
            function(features=features)
            calls, started = 0, time.monotonic()
            while time.monotonic() < started + seconds:
                function(features=features)["answers"].numpy()
                calls += 1
            in_process = calls * batch / (time.monotonic() - started)
            served = len(measured["latencies"]) * GROUP_SIZE / measured["elapsed"]
            rounds.append((served, in_process, batch, measured["latencies"]))
    ratios = [served / in_process for served, in_process, _, _ in rounds]
    latencies = np.concatenate([one[3] for one in rounds])
    show(
        benchmark="throughput, embedded server / SavedModel in process",
        clients=CLIENTS,
        ratio=round(float(np.median(ratios)), 3),
        ratios=[round(ratio, 3) for ratio in ratios],
        served_rows_per_second=round(float(np.median([one[0] for one in rounds])), 1),
        in_process_rows_per_second=round(float(np.median([one[1] for one in rounds])), 1),
        mean_batch=[one[2] for one in rounds],
        p50_ms=round(1000 * float(np.percentile(latencies, 50)), 1),
        p99_ms=round(1000 * float(np.percentile(latencies, 99)), 1),
    )


def edge(seconds):
    """LiteRT: the halves of N_pre = 1, 2, 3 against the whole network, and the client's cold start."""
    from components.tflite import PRECISIONS, convert_halves, convert_model, half_file
    from datamix_tf import DataMixModel, split
    from datamix_tf.models.resnet import CLASSIFIER, pre_layer, resnet18
    from serving.edge import manifest

    threads = min(4, os.cpu_count() or 1)
    for name, shape in SIZES.items():
        network = resnet18(shape, 40)
        x = np.random.default_rng(0).uniform(0, 255, (GROUP_SIZE, *shape)).astype("float32")
        key = np.linalg.qr(np.random.default_rng(1).normal(size=(GROUP_SIZE, GROUP_SIZE)))[0].astype("float32")
        with tempfile.TemporaryDirectory() as folder:
            whole = os.path.join(folder, "whole.tflite")
            convert_model(network, GROUP_SIZE, whole)
            runs = {("whole", "float32"): [(whole, "run", {"x": x})]}
            for blocks in (1, 2, 3):
                model = DataMixModel(*split(network, after=pre_layer(blocks), before=CLASSIFIER), group_size=GROUP_SIZE)
                inside = os.path.join(folder, str(blocks))
                os.makedirs(inside)
                convert_halves(model, inside)
                y = np.zeros((GROUP_SIZE, *model.main.output_shape[1:]), "float32")
                for precision in PRECISIONS:
                    pre = os.path.join(inside, half_file(manifest.PRE, precision))
                    post = os.path.join(inside, half_file(manifest.POST, precision))
                    runs[blocks, precision] = [
                        (pre, manifest.MIX, {"x": x, "key": key}),
                        (post, manifest.DEMIX, {"y": y, "key": key}),
                    ]
            times = _time_in_turns(runs, threads, seconds)
        reference = times["whole", "float32"]
        for (part, precision), milliseconds in times.items():
            show(
                benchmark="LiteRT on the edge, for one example in a group of 8",
                input=name,
                part="whole network" if part == "whole" else f"halves, N_pre = {part}",
                precision=precision,
                threads=threads,
                median_ms=round(milliseconds / GROUP_SIZE, 3),
                ratio_to_whole=round(milliseconds / reference, 3),
            )


def _time_in_turns(runs, threads, seconds):
    from ai_edge_litert.interpreter import Interpreter

    runners = {
        key: [
            (Interpreter(model_path=path, num_threads=threads).get_signature_runner(signature), inputs)
            for path, signature, inputs in parts
        ]
        for key, parts in runs.items()
    }
    times = {key: [] for key in runs}
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times["whole", "float32"]) < 4:
        for key, parts in runners.items():
            started = time.perf_counter()
            for runner, inputs in parts:
                runner(**inputs)
            times[key].append(1000 * (time.perf_counter() - started))
    return {key: float(np.median(values[1:])) for key, values in times.items()}


def main():
    if sys.argv[1:2] == ["--load"]:
        load_process(sys.argv[2:])
        return
    parts = {"wire": wire, "throughput": throughput, "edge": edge}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(parts)} (default: all)")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds for each measurement")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(parts)
    if unknown:
        parser.error(f"expected parts of {', '.join(parts)}, received {', '.join(sorted(unknown))}")
    for name in arguments.parts or parts:
        parts[name](arguments.seconds)


if __name__ == "__main__":
    main()
