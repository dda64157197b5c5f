"""One group through the edge client, its answers de-mixed with several keys: the right one, others', and none."""

from __future__ import annotations

import dataclasses
import time
import types

import numpy as np

from pipeline.demo.attacker import Attacker, AttackResult
from pipeline.demo.loaded_run import LoadedRun
from serving.edge.client import EdgeClient
from serving.edge.examples import probabilities
from serving.edge.keys import random_orthogonal
from serving.edge.trace import Exchange, Trace


@dataclasses.dataclass(frozen=True)
class KeyComparison:
    """What several keys make of what the client sent and received.

    Attributes:
        x: The group's inputs `[S_G, ...]`, the true ones first, covers behind them; where covers are drawn, which are
            no inputs, the true ones alone.
        exchange: What the client sent and received; its keys are overwritten.
        features: `"right"`, `"wrong"`, `"none"` (the mixtures as they were sent) and, if they can be attacked,
            `"attack"` -> what the mixtures become under that key, `[S_G, ...]`, in the order of `x`, then covers, but
            for `"none"`.
        probabilities: What the cloud's answers become, likewise -> `[S_G, labels]`; `"right"` for `x` alone.
        attack: The best attack, or `None`.
        milliseconds: `mix`, `cloud`, `demix`, `attack` -> time.
    """

    x: np.ndarray
    exchange: Exchange
    features: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    attack: AttackResult | None
    milliseconds: dict[str, float]


def compare_keys(run: LoadedRun, client: EdgeClient, x: np.ndarray, attacker: Attacker) -> KeyComparison:
    """Sends a group to the cloud and de-mixes the answers with several keys.

    The client hands out the group's key, which measures the attack and brings the rows into the order of the inputs;
    it is overwritten before this returns.

    Args:
        run: The loaded run.
        client: Of its bundle.
        x: `[n, ...]`, 1 to S_G distinct inputs, preprocessed.
        attacker: Attacks the mixtures.

    Raises:
        EdgeError: If there are too few covers, the features do not fit the wire, or the cloud gives no usable answer.
    """
    with Trace(keys=True) as trace:
        client.predict(x, trace=trace)
        (exchange,) = trace.exchanges
        size = len(exchange.mixtures)
        order = _inputs_first(exchange.inputs, x)
        right = _completed(exchange.keys[0].matrix)[np.ix_(exchange.shuffle, [*order, *range(len(order), size)])]
        try:
            started = time.perf_counter()
            attack = attacker.attack(exchange.mixtures, right)
            attack_milliseconds = 1000 * (time.perf_counter() - started)
            others = {"none": np.eye(len(right), dtype=np.float32), "wrong": random_orthogonal(len(right))}
            if attack:
                others["attack"] = attack.estimate.T.astype(np.float32)
            keys = {"right": right, **others}
            features = {name: np.tensordot(key.T, exchange.mixtures, 1) for name, key in keys.items()}
        finally:
            right.fill(0)
    outputs = {"right": exchange.outputs[order]}  # what the client itself made of the answers
    for name, key in others.items():
        outputs[name] = run.halves.demix(exchange.answers, types.SimpleNamespace(matrix=key))
    milliseconds = {
        "mix": exchange.mix_milliseconds,
        "cloud": exchange.cloud_milliseconds,
        "demix": exchange.demix_milliseconds,
        "attack": attack_milliseconds,
    }
    named = {name: probabilities(logits, run.manifest.task) for name, logits in outputs.items()}
    return KeyComparison(exchange.inputs[order], exchange, features, named, attack, milliseconds)


def _completed(key):
    """A whole key, float32 `[S_G, S_G]`, of the columns that belong to true inputs, `[S_G, inputs]`.

    To drawn covers belongs no column, but whatever else is orthogonal: any rotation of noise is noise.
    """
    if key.shape[0] == key.shape[1]:
        return key
    whole = np.linalg.qr(key, mode="complete")[0]
    whole[:, : key.shape[1]] = key
    return whole.astype(np.float32)


def _inputs_first(rows, x):
    """Indices that bring the rows of a group into the order of the inputs, covers behind them."""
    indices = {row.tobytes(): index for index, row in enumerate(rows)}
    return [*(indices.pop(one.tobytes()) for one in x), *indices.values()]
