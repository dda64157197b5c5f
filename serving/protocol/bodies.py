"""Reads request bodies within limits of size, time and memory."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from serving.protocol.errors import TOO_MUCH_MEMORY, ServingError
from serving.protocol.limits import Limits


class InFlight:
    """The bytes of all requests that are being read or answered, whatever protocol they came by.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()  # each protocol has a thread of its own
        self.bytes = 0

    def add(self, count: int) -> None:
        """Counts more bytes.

        Raises:
            ServingError: 429 if they are too many; then nothing is counted.
        """
        with self._lock:
            if self.bytes + count > self._most:
                raise ServingError(429, "too many bytes of requests are under way; try again")
            self.bytes += count

    @contextlib.contextmanager
    def counted(self, count: int) -> Iterator[None]:
        """Counts bytes within the block.

        Raises:
            ServingError: 429 if they are too many now, 413 if they would always be.
        """
        if count > self._most:
            raise ServingError(413, TOO_MUCH_MEMORY)
        self.add(count)
        try:
            yield
        finally:
            self.remove(count)

    def remove(self, count: int) -> None:
        """Counts bytes no more."""
        with self._lock:
            self.bytes -= count


class BodyReader:
    """Reads bodies and keeps count of all that are in memory.

    Args:
        limits: The bounds.
        in_flight: Where bytes are counted, for those who share a budget; default: a budget of its own.
    """

    def __init__(self, limits: Limits, in_flight: InFlight | None = None) -> None:
        self._limits = limits
        self.in_flight = in_flight or InFlight(limits.max_inflight_bytes)

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Yields the body, decompressed if its Content-Encoding is gzip; it counts as in flight within the block.

        Raises:
            ServingError: 400 for broken gzip, 408 too slow, 413 too large, 415 another encoding, 429 too much in
                flight.
        """
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity"):
            raise ServingError(415, f"Content-Encoding must be gzip or identity, received {encoding!r}")
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._limits.max_body_bytes:
            raise self._too_large(int(declared))
        body, size = bytearray(), 0
        try:
            await self._fill(body, request, encoding == "gzip")
            content, size = bytes(body), len(body)
            body.clear()  # once is enough
            yield content
        finally:
            self.in_flight.remove(size or len(body))

    async def _fill(self, body: bytearray, request: Request, zipped: bool) -> None:
        inflate = zlib.decompressobj(wbits=31) if zipped else None
        try:
            async with asyncio.timeout(self._limits.read_seconds):
                async for chunk in request.stream():
                    if inflate:
                        chunk = self._inflate(inflate, chunk, self._limits.max_body_bytes - len(body))
                    if len(body) + len(chunk) > self._limits.max_body_bytes:
                        raise self._too_large(len(body) + len(chunk))
                    self.in_flight.add(len(chunk))
                    body += chunk
        except TimeoutError:
            raise ServingError(408, f"the body did not arrive within {self._limits.read_seconds:g} s") from None
        except ClientDisconnect:
            raise ServingError(400, "the client went away before its body was whole") from None
        if inflate and not inflate.eof:
            raise ServingError(400, "the gzip stream of the body is cut off")

    def _inflate(self, inflate: Any, chunk: bytes, room: int) -> bytes:
        try:
            # One byte more than fits shows that it does not fit, whatever the bomb would inflate to.
            inflated = inflate.decompress(chunk, room + 1)
        except zlib.error as error:
            raise ServingError(400, f"the body is not gzip: {error}") from None
        if inflate.unused_data:
            raise ServingError(400, "the body has data behind its gzip stream")
        return inflated

    def _too_large(self, size: int) -> ServingError:
        return ServingError(
            413, f"the body must have at most {self._limits.max_body_bytes} bytes, received {size} or more"
        )
