"""One group's journey: mixed on the device, answered by the cloud, de-mixed with several keys."""

from __future__ import annotations

import dataclasses
import threading
import time
import types

import numpy as np

from pipeline.demo.attacker import Attacked, Attacker
from pipeline.demo.opened import Opened
from serving.edge import messages
from serving.edge.bundle import Halves
from serving.edge.client import probabilities
from serving.edge.covers import CoverPool
from serving.edge.keys import Key, random_normal, random_permutation
from serving.edge.messages import Message
from serving.edge.transport import Deadline, Transport

#: How mixtures travel; the client's default.
WIRE = "float16"
DEADLINE_SECONDS = 30.0
MOST_COVERS = 512


@dataclasses.dataclass(frozen=True)
class Journey:
    """What became of a group.

    Attributes:
        x: Its inputs `[S_G, ...]`, the true ones first, covers behind them.
        mixtures: What left the device, `[S_G, ...]`, in the order in which it was sent: no row belongs to one input.
        features: `"right"`, `"wrong"` and, if there was an attack, `"attack"` -> what the mixtures become under that
            key, `[S_G, ...]`, in the order of the inputs.
        probabilities: Likewise, and `"none"` for the cloud's answers as they are -> `[S_G, labels]`.
        attack: The best attack, or `None`.
        bytes_up, bytes_down: Bytes of the two HTTP bodies.
        milliseconds: `mix`, `cloud`, `demix`, `attack` -> time.
    """

    x: np.ndarray
    mixtures: np.ndarray
    features: dict[str, np.ndarray]
    probabilities: dict[str, np.ndarray]
    attack: Attacked | None
    bytes_up: int
    bytes_down: int
    milliseconds: dict[str, float]


class Device:
    """The edge's side, and a look at what others could do with what it sends.

    Does what `serving.edge.client.EdgeClient` does with one group, and keeps what lies between. One journey at a time;
    others wait.

    Args:
        run: The opened run; its test examples are the covers.
        url: The cloud's REST API.

    Raises:
        EdgeError: If the bundle or the URL cannot be used.
    """

    def __init__(self, run: Opened, url: str):
        self.manifest = run.manifest
        self._halves = Halves(run.edge, run.manifest, "float32", 1)
        self._transport = Transport(url)
        self._pool = CoverPool()
        self._pool.add(run.x[:MOST_COVERS])
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections to the cloud."""
        self._transport.close()

    def travel(self, x: np.ndarray, attacker: Attacker | None = None, seconds: float = DEADLINE_SECONDS) -> Journey:
        """Sends a group to the cloud and back.

        Args:
            x: `[n, ...]`, 1 to S_G distinct inputs, preprocessed.
            attacker: Attacks the mixtures; `None`: nobody does.
            seconds: Time for the cloud's answer.

        Raises:
            EdgeError: If there are too few covers, the features do not fit the wire, or the cloud gives no usable
                answer.
        """
        size = self.manifest.group_size
        with self._lock:
            group = np.concatenate([x, self._pool.draw(x, size - len(x))])
            clock, right, wrong = _Clock(), Key(size), Key(size)
            try:
                mixtures = self._mixed(group, right)
                clock.lap("mix")
                message = Message(mixtures, WIRE, self.manifest)
                content = self._transport.post(messages.path(self.manifest), message.body, Deadline(seconds))
                answers = message.read(content)
                clock.lap("cloud")
                outputs = {"right": self._halves.demix(answers, right)}
                clock.lap("demix")
                attacked = attacker.attack(mixtures, right.matrix) if attacker else None
                clock.lap("attack")
                keys = {"right": right.matrix, "wrong": wrong.matrix}
                if attacked:
                    keys["attack"] = attacked.estimate.T.astype(np.float32)
                features = {name: np.tensordot(key.T, mixtures, 1) for name, key in keys.items()}
                for name, key in {**keys, "none": np.eye(size, dtype=np.float32)}.items():
                    outputs[name] = self._halves.demix(answers, types.SimpleNamespace(matrix=key))
            finally:
                right.wipe()
                wrong.wipe()
        named = {name: probabilities(logits, self.manifest.task) for name, logits in outputs.items()}
        sizes = len(message.body), len(content)
        return Journey(group, mixtures, features, named, attacked, *sizes, clock.milliseconds)

    def _mixed(self, group, key):
        """Mixtures of a group as they are sent, in a secret order. `key` becomes what mixes it in that order."""
        size = len(group)
        places, shuffle, drawn = random_permutation(size), random_permutation(size), Key(size)
        try:
            mixtures = self._halves.mix(group[places], drawn)[shuffle]
            key.matrix[:, places] = drawn.matrix[shuffle]
        finally:
            drawn.wipe()
        if self.manifest.noise_stddev:
            mixtures = mixtures + self.manifest.noise_stddev * random_normal(mixtures.shape)
        return mixtures


class _Clock:
    def __init__(self):
        self.milliseconds, self._last = {}, time.perf_counter()

    def lap(self, name):
        now = time.perf_counter()
        self.milliseconds[name], self._last = 1000 * (now - self._last), now
