"""What the arrays of a request take in memory, which may be more than its bytes on the wire."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import numpy as np

from serving.protocol.bodies import InFlight

#: Bytes of a text or a serialized example beside its own: the object, the pointer to it, the message that it came in.
_TEXT = 64


def memory_of(arrays: Iterable[np.ndarray]) -> int:
    """Bytes that arrays take, those of texts with the texts."""
    return sum(
        _TEXT * array.size + sum(map(len, array.flat)) if array.dtype.kind == "O" else array.nbytes for array in arrays
    )


def counted(in_flight: InFlight, arrays: Iterable[np.ndarray], size: int) -> contextlib.AbstractContextManager[None]:
    """Counts a request as what it became, within the block, where that is more than its body.

    Args:
        in_flight: Where its body is counted.
        arrays: What it became.
        size: Bytes of the body.

    Raises:
        ServingError: 413 if it is more than may be under way at all, 429 if others leave no room.
    """
    return in_flight.counted(max(0, memory_of(arrays) - size))
