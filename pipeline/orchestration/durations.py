"""How fast this machine is now, and how long units of work took on it, as a factor of that.

Every run measures the speed anew, in about a second. So other work on the machine counts, and what was learned on a
busy day holds on a quiet one. The factors are kept in the machine's own folder (`components/storage/temporaries.py`),
one JSON record a line, and used for nothing but telling how long a run will take.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import statistics
import time
from typing import Any

from components.storage import temporaries

FOLDER = "durations"
#: Records that are kept, and how many of the latest of a kind count.
KEPT, LATEST = 4000, 5
#: Layers of the network that is built, and passes of the convolutions that are timed.
LAYERS, PASSES = 24, 4
BATCH, SIDE, CHANNELS = 64, 32, 32
#: Most by which what was learned of quite other units of a kind corrects what is expected.
BOUND = 2.0


@dataclasses.dataclass(frozen=True)
class Work:
    """How large a unit of work is, in what two kinds of speed it takes.

    Attributes:
        layers: Layers to be built, or what takes as long: work of Python.
        macs: Multiply-adds of a network's pass: work of the processor's arithmetic.
    """

    layers: float = 0.0
    macs: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.layers + other.layers, self.macs + other.macs)


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit of work.

    Attributes:
        name: Its name in the journal, or that of the component whose other work it is.
        kinds: What it is, from the most particular to the most general; what was learned of the first that is known
            counts.
        work: How large it is.
        reported: Whether the journal tells of it.
    """

    name: str
    kinds: tuple[str, ...]
    work: Work
    reported: bool = True


class Machine:
    """This machine's speeds and durations.

    Args:
        path: Where they are kept; default: a file of this machine in its folder for caches.
        speed: Seconds for a `layer` and a `mac` (`Work`); default: measured when they are first asked for.
    """

    def __init__(self, path: str | None = None, speed: dict[str, float] | None = None):
        name = f"{platform.node()}-{os.cpu_count()}.jsonl"
        self.path = path or os.path.join(temporaries.folder(FOLDER), name)
        self._speed = dict(speed or {})
        self._factors: dict[str, list[float]] = {}
        self._networks: dict[str, Work] = {}
        records = self._read()
        for record in records[-KEPT:]:
            self._take(record)
        if len(records) > 2 * KEPT:
            self._replace(records[-KEPT:])

    def seconds(self, unit: Unit) -> float:
        """How long a unit will probably take."""
        return self._by_speed(unit.work) * self._factor(unit.kinds)

    def finished(self, unit: Unit, seconds: float) -> None:
        """Learns how long a unit took."""
        expected = self._by_speed(unit.work)
        if expected > 0 and seconds > 0:
            self._keep({"kinds": list(unit.kinds), "factor": seconds / expected})

    def network(self, key: str) -> Work | None:
        """The layers and multiply-adds of a network that was counted before, or `None`."""
        return self._networks.get(key)

    def counted(self, key: str, work: Work) -> None:
        """Remembers those of a network."""
        self._keep({"network": key, **dataclasses.asdict(work)})

    def _by_speed(self, work: Work) -> float:
        if not self._speed:
            self._speed = {"layer": _layer_seconds(), "mac": _mac_seconds()}
        return work.layers * self._speed["layer"] + work.macs * self._speed["mac"]

    def _factor(self, kinds: tuple[str, ...]) -> float:
        kind = next((kind for kind in kinds if kind in self._factors), None)
        if kind is None:
            return 1.0
        factor = statistics.median(self._factors[kind][-LATEST:])
        return factor if kind != kinds[-1] else min(max(factor, 1 / BOUND), BOUND)

    def _take(self, record: dict[str, Any]) -> None:
        if "network" in record:
            self._networks[record["network"]] = Work(record["layers"], record["macs"])
        elif "factor" in record:
            for kind in record["kinds"]:
                self._factors.setdefault(kind, []).append(record["factor"])

    def _keep(self, record: dict[str, Any]) -> None:
        self._take(record)
        with contextlib.suppress(OSError), open(self.path, "a", encoding="utf-8") as file:  # a full or read-only disk
            file.write(json.dumps(record) + "\n")

    def _read(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        with contextlib.suppress(OSError), open(self.path, encoding="utf-8") as file:
            for line in file:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return [record for record in found if isinstance(record, dict)]

    def _replace(self, records: list[dict[str, Any]]) -> None:
        kept = [{"network": key, **dataclasses.asdict(work)} for key, work in self._networks.items()]
        lines = [*kept, *(record for record in records if "factor" in record)]
        with contextlib.suppress(OSError):
            with open(f"{self.path}.new", "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            os.replace(f"{self.path}.new", self.path)


def _layer_seconds() -> float:
    """Seconds in which Keras builds a layer of a small network."""
    import keras
    from keras import layers

    started = time.monotonic()
    found = inputs = keras.Input((8, 8, 8))
    for _ in range(LAYERS // 3):
        found = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(found)))
    keras.Model(inputs, found)
    return (time.monotonic() - started) / LAYERS


def _mac_seconds() -> float:
    """Seconds of a multiply-add in convolutions that are trained."""
    import tensorflow as tf

    x = tf.random.stateless_normal((BATCH, SIDE, SIDE, CHANNELS), (0, 1))
    kernel = tf.random.stateless_normal((3, 3, CHANNELS, CHANNELS), (0, 2)) / CHANNELS

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            hidden = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
            loss = tf.reduce_mean(tf.square(tf.nn.conv2d(hidden, kernel, 1, "SAME")))
        return tape.gradient(loss, kernel)

    gradient()
    started = time.monotonic()
    for _ in range(PASSES):
        gradient().numpy()
    # Two convolutions, each forward, and backward to its input and its kernel.
    macs = PASSES * 2 * 3 * BATCH * SIDE**2 * 9 * CHANNELS**2
    return (time.monotonic() - started) / macs
