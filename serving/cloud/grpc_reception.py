"""Who is let in to the gRPC API, and with how much: the token before the message, the message within limits."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import grpc

from serving.protocol.bodies import InFlight
from serving.protocol.errors import ServingError
from serving.protocol.limits import Limits

#: Messages that are read at the same time, at least.
LEAST_READERS = 4
#: Seconds that a reader is left in peace while others wait for its place.
_PATIENCE = 1.0


class EndOfCallError(ServingError):
    """A call whose client has no more to say."""


def readers(limits: Limits) -> int:
    """How many messages are read at the same time.

    gRPC tells nobody how long a message will be, so that each counts as one of the largest size: what is being read
    takes twice as much as may be in flight (gRPC's buffers and their copy), on top of what is in flight.
    """
    return max(LEAST_READERS, limits.max_inflight_bytes // limits.max_body_bytes)


class Reception:
    """Reads the one message of each call.

    Places for readers are few (`readers`), since each may take memory; a call that sends nothing must not keep its
    place. Whoever has read for longest, and longer than a second, makes room when others wait.

    Args:
        limits: What clients may cost: time for a message, its size.
        token: Bearer token that calls must carry in their metadata (`authorization: Bearer TOKEN`), or None.
        in_flight: Where bytes are counted, together with those of the REST API; an attribute, too.
    """

    def __init__(self, limits: Limits, token: str | None, in_flight: InFlight) -> None:
        self._limits, self.in_flight = limits, in_flight
        self._expected = None if token is None else f"Bearer {token}".encode()
        self._places = readers(limits)
        self._reading: dict[asyncio.Future, float] = {}

    def admits(self, context: grpc.aio.ServicerContext) -> bool:
        """Whether a call carries the token, if one is needed; of others no message is read."""
        if self._expected is None:
            return True
        given = dict(context.invocation_metadata() or ()).get("authorization", "")
        given = given.encode() if isinstance(given, str) else given
        return hmac.compare_digest(given, self._expected)

    @contextlib.asynccontextmanager
    async def message(self, context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
        """Yields the bytes of the call's next message; they count as in flight within the block.

        Args:
            context: The call's.

        Raises:
            EndOfCallError: If there is no message.
            ServingError: 401 no valid token, 408 too slow, 429 too much in flight.
        """
        if not self.admits(context):
            raise ServingError(401, "a valid bearer token is needed")
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                raw = await self._read(context)
        except TimeoutError:
            raise ServingError(408, f"the message did not arrive within {self._limits.read_seconds:g} s") from None
        if raw is grpc.aio.EOF:
            raise EndOfCallError(400, "the call ended without a message")
        self.in_flight.add(len(raw))
        try:
            yield raw
        finally:
            self.in_flight.remove(len(raw))

    async def _read(self, context: grpc.aio.ServicerContext) -> Any:
        await self._place()
        reading = asyncio.ensure_future(context.read())
        self._reading[reading] = asyncio.get_running_loop().time()
        try:
            await asyncio.wait([reading])
            if reading.cancelled():
                raise ServingError(429, "too many calls send slowly at the same time; try again")
            return reading.result()
        finally:
            reading.cancel()
            self._reading.pop(reading, None)

    async def _place(self) -> None:
        """Waits for a place among the readers."""
        while len(self._reading) >= self._places:
            longest, since = next(iter(self._reading.items()))
            left = since + _PATIENCE - asyncio.get_running_loop().time()
            if left <= 0:
                longest.cancel()
                del self._reading[longest]
            else:
                await asyncio.wait([*self._reading], timeout=left, return_when=asyncio.FIRST_COMPLETED)
