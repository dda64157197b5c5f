"""Serving against its alternatives, each pair in one run on this machine.

    python -m benchmarks.bench_serving [wire] [throughput] [--seconds 10]

- wire: a group's N_pre = 1 feature maps to the cloud and back, packed against plain JSON as a stock client sends it
  (`json.dumps` of `tolist()`) and against JSON with the nine digits that float32 needs. The model behind it is a mere
  mean, so that the figures are the wire's.
- throughput: rows a second of the embedded server (ResNet-18's M_main at 64 x 64, 32 clients that send one group each,
  packed float16) against calls of the same SavedModel in process at the batch size that the server reached.

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
import psutil

from benchmarks.figures import short, show
from benchmarks.serving_process import server_process

GROUP_SIZE, ANSWERS = 8, 512
SIZES = {"64x64": (64, 64, 3), "178x218": (218, 178, 3)}
CLIENTS = 32
FORMATS = ("stock json", "json", "float32", "float16", "bfloat16", "int8")


def export(model, folder):
    """Writes the cloud part of a `DataMixModel` as version 1 of `model`; gives the base path and the manifest."""
    from components.export.bundle import write_bundle

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
    from serving.edge.transport import Transport

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
                transport, taken = Transport(url), {kind: [] for kind in FORMATS}
                server = psutil.Process(process.pid)
                spent = dict.fromkeys(FORMATS, 0.0)
                end = time.monotonic() + seconds * len(FORMATS)
                while time.monotonic() < end or len(taken["json"]) < 4:
                    for kind in FORMATS:
                        before = sum(server.cpu_times()[:2])
                        taken[kind].append(exchange(transport, kind, mixtures, manifest))
                        spent[kind] += 1000 * (sum(server.cpu_times()[:2]) - before)
        # bytes, client_cpu_ms, latency_ms [messages]; the first connects and fills caches
        found = {kind: np.array(figures[1:]).T for kind, figures in taken.items()}
        for kind in FORMATS[2:]:
            own, stock = found[kind], found["stock json"]
            show(
                "a group's feature maps packed / as stock JSON, latency",
                own[2] / stock[2],
                input=name,
                format=kind,
                bytes_share=short(np.median(own[0] / stock[0])),
                bytes_share_of_nine_digits=short(np.median(own[0] / found["json"][0])),
                client_cpu_share=short(np.median(own[1]) / np.median(stock[1])),
                server_cpu_share=short(spent[kind] / spent["stock json"]),
                latency_ms=short(np.median(own[2])),
            )


def exchange(transport, kind, mixtures, manifest):
    """Sends one message; gives its bytes both ways, and the client's processor time and the latency in ms."""
    from serving.edge import messages
    from serving.edge.transport import Deadline

    started, used = time.perf_counter(), time.process_time()
    message = StockJson(mixtures) if kind == "stock json" else messages.Message(mixtures, kind, manifest)
    answer = transport.post(messages.path(manifest), message.body, Deadline(60))
    message.read(answer)
    now = time.perf_counter(), time.process_time()
    return len(message.body) + len(answer), 1000 * (now[1] - used), 1000 * (now[0] - started)


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
    latencies = np.concatenate([one[3] for one in rounds])
    show(
        "rows a second of the embedded server / of the SavedModel in process",
        [served / in_process for served, in_process, _, _ in rounds],
        clients=CLIENTS,
        served_rows_per_second=short(np.median([one[0] for one in rounds])),
        mean_batch=round(np.mean([one[2] for one in rounds])),
        p50_ms=short(1000 * np.percentile(latencies, 50)),
        p99_ms=short(1000 * np.percentile(latencies, 99)),
    )


def main():
    if sys.argv[1:2] == ["--load"]:
        load_process(sys.argv[2:])
        return
    parts = {"wire": wire, "throughput": throughput}
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
