"""The small network by secure multi-party computation with MPyC: three parties, honest majority, Shamir's sharing.

Party 0 is the edge: it shares the picture and alone learns the logits. Parties 1 and 2 are two clouds. Either of them
alone learns nothing; both together learn all. The weights are known to all, which is the cheapest case: dense layers
cost no message but their rounding.

`python -m benchmarks.mpc WEIGHTS.npz SIZE -P HOST:PORT -P HOST:PORT -P HOST:PORT -I PARTY` is one party. Each prints a
line of JSON for each query; the edge reads them, a picture in base64 a line, from its standard input.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import sys

import numpy as np

from benchmarks.line_process import LineProcess, lines, say
from benchmarks.private_network import window
from benchmarks.serving_process import free_port

PARTIES, EDGE = 3, 0
BITS, FRACTION = 40, 16  # of a fixed-point number


class Mpc:
    """Queries to three parties.

    Args:
        parties: Their processes, the edge first.

    Attributes:
        bytes_up: Payload bytes that the edge sent so far.
        bytes_down: Payload bytes that the edge received so far.
        bytes_between: Payload bytes between the clouds so far.
    """

    def __init__(self, parties: list[LineProcess]):
        self._parties = parties
        self.bytes_up = self.bytes_down = self.bytes_between = 0

    def query(self, picture: np.ndarray) -> np.ndarray:
        """Logits, float64 `[classes]`, of one uint8 picture."""
        self._parties[EDGE].write(base64.b64encode(picture.tobytes()).decode())
        edge, *clouds = [party.read() for party in self._parties]
        self.bytes_up = sum(edge["sent"])
        self.bytes_down = sum(cloud["sent"][EDGE] for cloud in clouds)
        self.bytes_between = sum(sum(cloud["sent"]) for cloud in clouds) - self.bytes_down
        return np.array(edge["logits"])


@contextlib.contextmanager
def started(weights: str, size: int, edge: str = "127.0.0.1", cloud: str = "127.0.0.1", prefix: tuple[str, ...] = ()):
    """Three parties that are connected; yields an `Mpc`.

    Args:
        weights: File of `private_network.weights_of`.
        size: Rows and columns of pictures.
        edge: Address of party 0.
        cloud: Address of parties 1 and 2.
        prefix: Command words that start a cloud's process where it belongs.
    """
    addresses = [f"{host}:{free_port()}" for host in (edge, cloud, cloud)]
    where = [word for address in addresses for word in ("-P", address)]
    with contextlib.ExitStack() as stack:
        parties = []
        for index in range(PARTIES):
            words = (weights, str(size), *where, "-I", str(index), "--no-log")
            parties.append(LineProcess("benchmarks.mpc", *words, prefix=() if index == EDGE else prefix))
            stack.callback(parties[-1].close)
        for party in parties:
            party.read()
        yield Mpc(parties)


async def _party(weights, size):
    from mpyc.runtime import mpc

    numbers = mpc.SecFxp(BITS, FRACTION)
    places = _window_places(size)
    await mpc.start()
    say("ready")
    for picture in lines() if mpc.pid == EDGE else itertools.repeat(""):
        pixels = np.zeros(size * size)
        if mpc.pid == EDGE:
            pixels = np.frombuffer(base64.b64decode(picture), np.uint8) / 255.0
        x = mpc.input(numbers.array(pixels, integral=False), senders=EDGE)
        x = x[places] @ weights["conv"] + weights["conv_bias"]
        x = mpc.np_multiply(x, x)
        x = mpc.np_transpose(x).reshape(-1) @ weights["hidden"] + weights["hidden_bias"]
        x = mpc.np_multiply(x, x)
        x = x @ weights["classifier"] + weights["classifier_bias"]
        logits = await mpc.output(x, receivers=EDGE)
        sent = [0 if peer.pid == mpc.pid else peer.protocol.nbytes_sent for peer in mpc.parties]
        say({"sent": sent, "logits": None if logits is None else [float(value) for value in logits]})


def _window_places(size):
    """Places of the pixels under the kernel, int `[windows, kernel^2]`."""
    kernel, stride = window(size)
    views = np.lib.stride_tricks.sliding_window_view(np.arange(size * size).reshape(size, size), (kernel, kernel))
    return views[::stride, ::stride].reshape(-1, kernel * kernel)


if __name__ == "__main__":
    with np.load(sys.argv[1]) as file:
        asyncio.run(_party(dict(file), int(sys.argv[2])))
