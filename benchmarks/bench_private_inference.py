"""Private inference with DataMix against what else one would pick: CKKS, MPC, the plain cloud, the plain edge.

    python -m benchmarks.bench_private_inference [--dataset folder:PATH] [--wire int8] [--link none]

One small network (`benchmarks/private_network.py`) on gray digits, trained plainly and through the mixing. Then, in
turns, one query each of:

- plain edge: LiteRT, nothing is sent;
- plain cloud: the picture to the embedded server;
- DataMix: `EdgeClient` and the embedded server, one true picture with seven covers, or eight true ones;
- CKKS (TenSEAL): the server has keys that cannot decrypt;
- MPC (MPyC): three parties, honest majority.

First on loopback, then over the papers' 4G link (15 Mbit/s up, 30 down, 25 ms one way) with the servers in a network
namespace (`benchmarks/shaped_link.py`). Where that is not possible, the second part is computed by Eq. 1, and its lines
say so. One JSON line for each alternative and link. `ckks_to_this` are CKKS's latency (median of the rounds' ratios,
quartiles) and bytes relative to the alternative's; `to_plain_cloud` the alternative's relative to the plain cloud's.
CKKS and MPC need

    pip install tenseal mpyc

and are left out, with a line that says so, where these are missing. Five to fifteen minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import private_network, shaped_link

EDGE, CLOUD, ONE, EIGHT, CKKS, MPC = (
    "plain edge",
    "plain cloud",
    "DataMix, 1 of 8 true",
    "DataMix, 8 of 8 true",
    "CKKS",
    "MPC",
)
PACKAGES = {CKKS: "tenseal", MPC: "mpyc"}
#: What is protected against whom.
PROTECTION = {
    EDGE: "nothing leaves the edge; the edge holds the whole network",
    CLOUD: "nothing: the cloud sees picture and answer",
    ONE: "no cryptographic protection: one mixture alone says little, but mixtures of one group are separated by known "
    "attacks (docs/audit.md); the cloud keeps M_main",
    EIGHT: "as with one true picture of eight",
    CKKS: "picture and answer are hidden from an honest-but-curious server (128-bit security); the server keeps the "
    "network; a server that computes something else is not noticed",
    MPC: "picture and answer are hidden from each cloud alone, if it is honest but curious; two that collude, or "
    "one operator of both, see all; here all parties know the network",
}
TARGET = 100
COVERS = 512


@dataclasses.dataclass
class Alternative:
    """One way to get an answer.

    Attributes:
        query: uint8 pictures `[inputs, size, size, 1]` to scores `[inputs, classes]`.
        traffic: Bytes of payload so far: up, down, between clouds.
        inputs: True pictures in a query.
        one_time: Bytes and seconds of what is sent before the first query.
    """

    query: Callable
    traffic: Callable[[], tuple[int, int, int]]
    inputs: int = 1
    one_time: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Measured:
    """Of one alternative on one link: seconds and payload bytes (up, down, between) of each query; its scores."""

    seconds: list = dataclasses.field(default_factory=list)
    traffic: list = dataclasses.field(default_factory=list)
    scores: list = dataclasses.field(default_factory=list)
    one_time: dict = dataclasses.field(default_factory=dict)


def missing(name: str) -> str:
    """Why an alternative cannot be measured here, or an empty text."""
    package = PACKAGES.get(name)
    if package and not importlib.util.find_spec(package):
        return f"{package} is not installed; pip install {' '.join(PACKAGES.values())}"
    return ""


def ratios(of: list[float], to: list[float]) -> list[float]:
    """Median and quartiles of the rounds' ratios `of / to`, three digits: `[median, lower, upper]`."""
    values = np.percentile(np.asarray(of) / np.asarray(to), (50, 25, 75))
    return [float(f"{value:.3g}") for value in values]


def bytes_of(measured: Measured, inputs: int) -> list[float]:
    """Mean payload bytes for one true picture: up, down, between clouds."""
    return [round(float(value) / inputs, 1) for value in np.mean(measured.traffic, axis=0)]


@contextlib.contextmanager
def alternatives(folder: str, bundle: str, x_train, names: list[str], wire: str, link: shaped_link.Link | None):
    """All that can be measured, started: name -> `Alternative`.

    Args:
        folder: What `prepare` wrote.
        bundle: The edge's, likewise.
        x_train: uint8 pictures, covers are taken from them.
        names: Which.
        wire: Format in which DataMix sends.
        link: Where the servers stand; `None` for this machine.
    """
    from benchmarks import ckks, mpc
    from benchmarks.deployment import PlainCloud, cloud_process
    from serving.edge.client import EdgeClient

    cloud, prefix = (link.cloud, link.prefix) if link else ("127.0.0.1", ())
    size, weights = x_train.shape[1], os.path.join(folder, "weights.npz")
    with contextlib.ExitStack() as stack:
        _, url, _ = stack.enter_context(cloud_process(folder, cloud, prefix))
        started = {EDGE: Alternative(_whole(folder), lambda: (0, 0, 0))}
        plain = PlainCloud(url)
        started[CLOUD] = Alternative(plain.query, lambda: (plain.bytes_up, plain.bytes_down, 0))
        for name, inputs in ((ONE, 1), (EIGHT, private_network.GROUP_SIZE)):
            covers = x_train[:COVERS].astype(np.float32)
            client = stack.enter_context(EdgeClient(bundle, url, covers=covers, wire=wire))
            started[name] = Alternative(client.predict, _traffic(client), inputs)
        if CKKS in names:
            client = stack.enter_context(ckks.started(weights, size, cloud, prefix))
            keys = {"bytes": client.key_bytes, "seconds": round(client.key_seconds, 2)}
            started[CKKS] = Alternative(_one_by_one(client), _traffic(client), one_time=keys)
        if MPC in names:
            edge = link.edge if link else cloud
            client = stack.enter_context(mpc.started(weights, size, edge, cloud, prefix))
            traffic = _traffic(client)
            started[MPC] = Alternative(_one_by_one(client), lambda: (*traffic()[:2], client.bytes_between))
        yield started


def _traffic(client):
    def total():
        counts = getattr(client, "traffic", client)
        return counts.bytes_up, counts.bytes_down, 0

    return total


def _one_by_one(client):
    return lambda pictures: np.stack([client.query(picture) for picture in pictures])


def _whole(folder):
    from ai_edge_litert.interpreter import Interpreter

    path = os.path.join(folder, "whole.tflite")
    runner = Interpreter(model_path=path, num_threads=1).get_signature_runner("run")
    return lambda pictures: runner(x=pictures.astype(np.float32))["outputs"]


def prepare(dataset, epochs: int, folder: str):
    """Trains both networks and writes all that `alternatives` starts; gives the plain one and the edge's bundle."""
    from benchmarks.deployment import deploy_plain, deploy_private
    from components.tflite import convert_model

    (x, y), _ = dataset
    plain = private_network.trained(x, y, mixed=False, epochs=epochs)
    mixed = private_network.trained(x, y, mixed=True, epochs=epochs)
    deploy_plain(plain, folder)
    bundle = deploy_private(mixed, folder, tuple(map(str, range(int(y.max()) + 1))))
    convert_model(plain, 1, os.path.join(folder, "whole.tflite"))
    np.savez(os.path.join(folder, "weights.npz"), **private_network.weights_of(plain))
    return plain, bundle


def measure(started: dict[str, Alternative], x, rounds: int) -> dict[str, Measured]:
    """Queries in turns, after one of each that does not count. The k-th round asks about the k-th pictures."""
    results = {name: Measured(one_time=one.one_time) for name, one in started.items()}
    for number in range(-1, rounds):
        for name, one in started.items():
            pictures = x[max(number, 0) : max(number, 0) + one.inputs]
            before, begun = one.traffic(), time.perf_counter()
            scores = one.query(pictures)
            seconds = time.perf_counter() - begun
            if number >= 0:
                results[name].seconds.append(seconds / one.inputs)
                results[name].traffic.append(np.subtract(one.traffic(), before))
                results[name].scores.append(scores[0])
    return results


def accuracies(started: dict[str, Alternative], x, y) -> dict[str, float]:
    """Accuracy on the whole test set of what is quick: name -> percent."""
    batches = range(0, len(x), 64)
    found = {
        EDGE: np.concatenate([started[EDGE].query(x[index : index + 1]) for index in range(len(x))]),
        CLOUD: np.concatenate([started[CLOUD].query(x[start : start + 64]) for start in batches]),
        EIGHT: started[EIGHT].query(x),
    }
    right = {name: 100 * float((scores.argmax(axis=1) == y).mean()) for name, scores in found.items()}
    right[ONE] = right[EIGHT]  # Whether the mates are covers makes no difference to the network.
    return {name: round(value, 2) for name, value in right.items()}


def figures(results, name: str, inputs: int, plain_logits, y) -> dict:
    """What a line says of one alternative.

    Args:
        results: Of `measure`.
        name: Which.
        inputs: True pictures in its query.
        plain_logits: The plain network's, `[rounds, classes]`.
        y: Labels, `[rounds]`.
    """
    one, total = results[name], sum(bytes_of(results[name], inputs))
    line = {
        "latency_ms": round(1000 * float(np.median(one.seconds)), 2),
        "quartiles_ms": [round(1000 * float(value), 2) for value in np.percentile(one.seconds, (25, 75))],
        **dict(zip(("bytes_up", "bytes_down", "bytes_between"), bytes_of(one, inputs), strict=True)),
        "to_plain_cloud": {
            "latency": ratios(one.seconds, results[CLOUD].seconds),
            "bytes": round(total / sum(bytes_of(results[CLOUD], 1)), 3),
        },
    }
    if one.one_time:
        line["one_time"] = one.one_time
    if CKKS in results and name != CKKS:
        line["ckks_to_this"] = {"latency": ratios(results[CKKS].seconds, one.seconds)}
        if total:
            line["ckks_to_this"]["bytes"] = float(f"{sum(bytes_of(results[CKKS], 1)) / total:.3g}")
    if name in PACKAGES:
        scores = np.stack(one.scores)
        line["n"] = len(scores)
        line["right"] = int((scores.argmax(axis=1) == y).sum())
        line["decisions_as_plain"] = int((scores.argmax(axis=1) == plain_logits.argmax(axis=1)).sum())
        line["largest_logit_deviation"] = float(f"{np.abs(scores - plain_logits).max():.3g}")
        line["largest_logit"] = float(f"{np.abs(plain_logits).max():.3g}")
    return line


def computed(results: dict[str, Measured], queries: dict[str, int]) -> dict[str, Measured]:
    """Loopback's measurements with Eq. 1's time for their bytes added, a single round trip each."""
    from datamix_tf.costs import transmission_seconds

    moved = {}
    for name, one in results.items():
        inputs = queries[name]
        extra = [transmission_seconds(up, down) / inputs if up else 0.0 for up, down, _ in one.traffic]
        moved[name] = dataclasses.replace(one, seconds=list(np.add(one.seconds, extra)))
    return moved


def show(**line):
    print(json.dumps(line), flush=True)


def machine() -> dict:
    """The machine and the versions that the figures are of."""
    import keras
    import tensorflow as tf

    versions = {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__}
    for package in PACKAGES.values():
        if importlib.util.find_spec(package):
            versions[package] = importlib.metadata.version(package)
    return {"cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1), **versions}


def main():
    from components.errors import InputError
    from serving.edge.messages import WIRES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default=private_network.BUILT_IN, help="digits (default) or folder:PATH")
    parser.add_argument("--rounds", type=int, default=7, help="rounds on loopback; as many queries of CKKS and MPC")
    parser.add_argument("--link_rounds", type=int, default=5, help="rounds over the link")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of both trainings")
    parser.add_argument("--wire", choices=WIRES, default="float16", help="format in which DataMix sends")
    parser.add_argument("--link", choices=("shaped", "computed", "none"), default="shaped", help="the second part")
    arguments = parser.parse_args()
    for name in ("rounds", "link_rounds", "epochs"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} must be at least 1; received {getattr(arguments, name)}")
    try:
        dataset = private_network.digits(arguments.dataset)
    except (InputError, ValueError) as error:
        parser.error(str(error))
    names = [name for name in PROTECTION if not missing(name)]
    for name in PROTECTION:
        if name not in names:
            show(benchmark="private inference", alternative=name, skipped=missing(name))
    with tempfile.TemporaryDirectory() as folder:
        run(dataset, names, folder, arguments)


def run(dataset, names, folder, arguments):
    """Trains, measures on loopback and over the link, and prints."""
    from benchmarks import ckks

    (x_train, y_train), (x, y) = dataset
    plain, bundle = prepare(dataset, arguments.epochs, folder)
    show(
        benchmark="private inference, setting",
        dataset=os.path.basename(arguments.dataset),
        pictures=list(x_train.shape[1:3]),
        train=len(y_train),
        test=len(y),
        parameters=plain.count_params(),
        wire=arguments.wire,
        ckks=ckks.PARAMETERS,
        **machine(),
    )
    shuffled = np.random.default_rng(0).permutation(len(x))  # Data sets come sorted.
    x, y = x[shuffled], y[shuffled]
    logits = np.asarray(plain(x[: arguments.rounds].astype(np.float32), training=False))
    with alternatives(folder, bundle, x_train, names, arguments.wire, None) as started:
        results = measure(started, x, arguments.rounds)
        right = accuracies(started, x, y)
        queries = {name: one.inputs for name, one in started.items()}

    def report(link, results, known, logits):
        for name in results:
            line = figures(results, name, queries[name], logits, y[: len(logits)])
            quality = {"accuracy": right[name], "n": len(y)} if name in right else {}
            show(benchmark="private inference", link=link, alternative=name, **line, **quality, **known(name))

    report("loopback", results, lambda name: {"protection": PROTECTION[name]}, logits)
    if CKKS in results:
        line = figures(results, ONE, 1, logits, y[: len(logits)])["ckks_to_this"]
        target = {"latency": line["latency"][0], "bytes": line["bytes"]}
        met = min(target.values()) >= TARGET
        show(
            benchmark=f"CKKS / a DataMix query with one true picture, target {TARGET}",
            link="loopback",
            **target,
            met=met,
        )
    if arguments.link == "none":
        return
    predicted = computed(results, queries)
    if arguments.link == "shaped" and not (reason := shaped_link.unavailable()):
        with (
            shaped_link.shaped_link() as link,
            alternatives(folder, bundle, x_train, names, arguments.wire, link) as started,
        ):
            over = measure(started, x, arguments.link_rounds)
        expected = {name: round(1000 * float(np.median(one.seconds)), 2) for name, one in predicted.items()}
        report("4G, shaped", over, lambda name: {"equation_1_ms": expected[name]}, logits[: arguments.link_rounds])
        return
    why = {"why": reason} if arguments.link == "shaped" else {}
    report("4G, computed by Eq. 1 with one round trip", predicted, lambda _: why, logits)


if __name__ == "__main__":
    sys.exit(main())
