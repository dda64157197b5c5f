"""A look into a query: what the client mixed, sent, received and de-mixed, for who measures or shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from serving.edge.keys import Key


@dataclasses.dataclass(frozen=True)
class Exchange:
    """Groups that went to the cloud together, and its answers.

    The features alone exist nowhere outside the interpreter of M_pre: who has the keys gets them from the mixtures.

    Attributes:
        inputs: `[rows, ...]`, true ones and covers in the secret order in which they were grouped; true ones alone
            where covers are drawn, which are no inputs.
        mixtures: What left the edge, `[rows, ...]`, with the noise that the manifest asks for and in the order in which
            it was sent; float32, before the wire's format rounds it.
        answers: The cloud's, `[rows, ...]`, in the same order.
        outputs: De-mixed and finished by M_post: logits `[rows, labels]`, in the order of `inputs`.
        bytes_up: Bytes sent, counted as in `serving.edge.client.Traffic`.
        bytes_down: Bytes received, likewise.
        mix_milliseconds: Time of M_pre and mixing.
        cloud_milliseconds: Time until all answers were there.
        demix_milliseconds: Time of de-mixing and M_post.
        keys: One for each group, or none where the trace asks for none. With `blocks`, the block-diagonal matrix of
            them: `mixtures = blocks[shuffle] features + noise`. Where covers are drawn, the columns of a key that
            belong to the true inputs (`serving.edge.drawn.DrawnGroup`): `features = blocks[shuffle].T mixtures`.
        shuffle: int64 `[rows]`, or `None` where the trace asks for no keys.
    """

    inputs: np.ndarray
    mixtures: np.ndarray
    answers: np.ndarray
    outputs: np.ndarray
    bytes_up: int
    bytes_down: int
    mix_milliseconds: float
    cloud_milliseconds: float
    demix_milliseconds: float
    keys: tuple[Key, ...] = ()
    shuffle: np.ndarray | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass
class Trace:
    """What `EdgeClient.predict(x, trace=...)` fills; one that fails leaves the exchanges before the failure.

    A trace holds raw inputs and what becomes of them: it must stay on the edge as they do.

    Args:
        keys: Whether to hand out keys and shuffles, which otherwise live in the client for the time of one exchange.
            Ask for them only where the process itself measures what they protect. The trace then owns them: use it in
            a `with` block, whose end overwrites them.

    Attributes:
        exchanges: Every `Exchange`, in the order in which they ended.
    """

    keys: bool = False
    exchanges: list[Exchange] = dataclasses.field(default_factory=list)

    def add(self, exchange: Exchange, keys: Sequence[Key], shuffle: np.ndarray) -> bool:
        """Adds an exchange, with its keys and shuffle if they are asked for; whether the trace owns them now."""
        if self.keys:
            exchange = dataclasses.replace(exchange, keys=tuple(keys), shuffle=shuffle)
        self.exchanges.append(exchange)
        return self.keys

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, *_: object) -> None:
        for exchange in self.exchanges:
            for key in exchange.keys:
                key.wipe()
            if exchange.shuffle is not None:
                exchange.shuffle.fill(0)
