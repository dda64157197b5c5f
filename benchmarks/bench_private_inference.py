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
say so (`computed_ms` has it beside the measured time). One JSON line for each alternative and link beside the plain
cloud, with milliseconds and payload bytes of one true picture, and one for CKKS beside each alternative, in time and in
bytes: medians and quartiles of the rounds' ratios. CKKS and MPC need

    pip install tenseal mpyc

and are left out, with a line that says so, where these are missing. Five to fifteen minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import private_network, shaped_link
from benchmarks.figures import milliseconds, short, show

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
    "attacks (docs/results/audit.md); the cloud keeps M_main",
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
        one_time: `key_bytes` and `key_seconds` of what is sent before the first query.
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
            client = stack.enter_context(EdgeClient(bundle, url, covers=covers, wire=wire, quiet=True))
            started[name] = Alternative(client.predict, _traffic(client), inputs)
        if CKKS in names:
            client = stack.enter_context(ckks.started(weights, size, cloud, prefix))
            keys = {"key_bytes": client.key_bytes, "key_seconds": short(client.key_seconds)}
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
    from components.export.tflite import convert_model

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


def details(one: Measured, inputs: int) -> dict:
    """What an alternative took for one true picture: milliseconds and bytes, and what was sent before."""
    line = {"latency_ms": milliseconds(one.seconds)}
    line["quartiles_ms"] = [short(1000 * value) for value in np.percentile(one.seconds, (25, 75))]
    line |= dict(zip(("bytes_up", "bytes_down", "bytes_between"), bytes_of(one, inputs), strict=True))
    return line | one.one_time


def quality(one: Measured, plain_logits, y) -> dict:
    """How near an alternative's scores are to the plain network's logits, `[queries, classes]`; `y` are the labels."""
    scores = np.stack(one.scores)
    decisions = scores.argmax(axis=1)
    return {
        "n": len(scores),
        "right": int((decisions == y).sum()),
        "decisions_as_plain": int((decisions == plain_logits.argmax(axis=1)).sum()),
        "largest_logit_deviation": short(np.abs(scores - plain_logits).max()),
        "largest_logit": short(np.abs(plain_logits).max()),
    }


def totals(one: Measured, inputs: int) -> np.ndarray:
    """Payload bytes of each query for one true picture, all directions."""
    return np.sum(one.traffic, axis=1) / inputs


def report(link: str, results: dict[str, Measured], inputs: dict[str, int], more: dict[str, dict]) -> None:
    """Prints the figures of a link: each alternative beside the plain cloud, and CKKS beside each.

    Args:
        link: Its name.
        results: Of `measure`.
        inputs: True pictures in a query, by alternative.
        more: Details to add, by alternative.
    """
    for name, one in results.items():
        about = {"link": link, "alternative": name, **details(one, inputs[name]), **more[name]}
        show("a query / a query of the plain cloud, time", np.divide(one.seconds, results[CLOUD].seconds), **about)
    for name, one in results.items() if CKKS in results else ():
        if name == CKKS:
            continue
        about, target = {"link": link, "alternative": name}, f">= {TARGET}" if name in (ONE, EIGHT) else ""
        show("CKKS / this alternative, time", np.divide(results[CKKS].seconds, one.seconds), target, **about)
        if name != EDGE:
            show(
                "CKKS / this alternative, bytes", totals(results[CKKS], 1) / totals(one, inputs[name]), target, **about
            )


def computed(results: dict[str, Measured], queries: dict[str, int]) -> dict[str, Measured]:
    """Loopback's measurements with Eq. 1's time for their bytes added, a single round trip each."""
    from datamix_tf.costs import transmission_seconds

    moved = {}
    for name, one in results.items():
        inputs = queries[name]
        extra = [transmission_seconds(up, down) / inputs if up else 0.0 for up, down, _ in one.traffic]
        moved[name] = dataclasses.replace(one, seconds=list(np.add(one.seconds, extra)))
    return moved


def say(benchmark: str, **line) -> None:
    """Prints what is no ratio."""
    print(json.dumps({"benchmark": benchmark, **line}), flush=True)


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
    for name, protection in PROTECTION.items():
        say("what is protected against whom", alternative=name, protection=protection)
        if name not in names:
            say("left out", alternative=name, why=missing(name))
    with tempfile.TemporaryDirectory() as folder:
        run(dataset, names, folder, arguments)


def run(dataset, names, folder, arguments):
    """Trains, measures on loopback and over the link, and prints."""
    from benchmarks import ckks

    (x_train, y_train), (x, y) = dataset
    plain, bundle = prepare(dataset, arguments.epochs, folder)
    say(
        "setting",
        dataset=os.path.basename(arguments.dataset),
        pictures=list(x_train.shape[1:3]),
        train=len(y_train),
        test=len(y),
        parameters=plain.count_params(),
        wire=arguments.wire,
        load_average=round(os.getloadavg()[0], 1),
        **ckks.PARAMETERS,
    )
    shuffled = np.random.default_rng(0).permutation(len(x))  # Data sets come sorted.
    x, y = x[shuffled], y[shuffled]
    rounds = max(arguments.rounds, arguments.link_rounds)
    logits = np.asarray(plain(x[:rounds].astype(np.float32), training=False))

    def known(results):
        near = {name: quality(results[name], logits[:count], y[:count]) for name in PACKAGES if name in results}
        return {name: {"accuracy": right[name], "n": len(y)} for name in right} | near

    with alternatives(folder, bundle, x_train, names, arguments.wire, None) as started:
        count = arguments.rounds
        results = measure(started, x, count)
        right = accuracies(started, x, y)
        inputs = {name: one.inputs for name, one in started.items()}
    report("loopback", results, inputs, known(results))
    if arguments.link == "none":
        return
    predicted = computed(results, inputs)
    reason = "--link computed" if arguments.link == "computed" else shaped_link.unavailable()
    if reason:
        more = {name: line | {"why": reason} for name, line in known(results).items()}
        report("4G, computed by Eq. 1 with one round trip", predicted, inputs, more)
        return
    with (
        shaped_link.shaped_link() as link,
        alternatives(folder, bundle, x_train, names, arguments.wire, link) as started,
    ):
        count = arguments.link_rounds
        over = measure(started, x, count)
    more = {name: line | {"computed_ms": milliseconds(predicted[name].seconds)} for name, line in known(over).items()}
    report("4G, shaped", over, inputs, more)


if __name__ == "__main__":
    sys.exit(main())
