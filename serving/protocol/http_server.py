"""The HTTP server under every ASGI application here: Uvicorn on h11, with limits that it lacks.

h11, not httptools: httptools ends a message with an `Upgrade` header at its headers, so that its body is lost or, if it
comes later, is read as a request of its own (request smuggling). A server may ignore `Upgrade` (RFC 9110, section 7.8),
and then the message has a body like any other.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.protocol.errors import TOO_MUCH_MEMORY
from serving.protocol.limits import Limits

MAX_HEADER_BYTES = 64 << 10
_KEEP_ALIVE_SECONDS = 65
_CUT_OFF = {
    asyncio.CancelledError: (503, "the server is stopping; try again"),
    MemoryError: (413, TOO_MUCH_MEMORY),
}


def http_config(application: Any, limits: Limits, *, drain_seconds: float, **options: Any) -> uvicorn.Config:
    """Uvicorn's configuration for an application, the same for all servers.

    Args:
        application: The ASGI application.
        limits: What clients may cost. Of connections beyond `max_connections` requests are answered with 503; beyond
            twice as many they are closed at once.
        drain_seconds: Seconds that requests under way get when the server stops; those cut off are answered with 503.
        **options: More of `uvicorn.Config`: `host`, `port`, `ssl_certfile`, `ssl_keyfile`.

    Returns:
        The configuration. No address is logged, and no protocol can be upgraded to.
    """
    return _Config(
        _Refusals(application),
        http=_with_limits(limits),
        ws="none",
        lifespan="off",
        log_config=None,  # its own would close the handlers of the program around it
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who connects, whatever X-Forwarded-For says
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        limit_concurrency=limits.max_connections,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,  # type: ignore[arg-type]  # asyncio takes fractions, too
        **options,
    )


class _Config(uvicorn.Config):
    """Gives a client as long for TLS's handshake as for a request's head; asyncio's own is a minute."""

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return functools.partial(_Loop, self.http.seconds)  # type: ignore[union-attr]


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def create_server(self, *arguments: Any, ssl: Any = None, **options: Any) -> asyncio.Server:
        if ssl is not None:
            options["ssl_handshake_timeout"] = self._seconds
        return await super().create_server(*arguments, ssl=ssl, **options)


class _Refusals:
    """What is refused whatever the application is.

    Requests that say in two ways where they end: a proxy in between may have believed the other one. Requests that are
    cut off when the server stops: 503, which clients try again. Those that take more memory than there is: 413.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        names = {name for name, _ in scope["headers"]}
        if b"transfer-encoding" in names and (b"content-length" in names or scope["http_version"] == "1.0"):
            text = "a request may have Content-Length or, from HTTP/1.1 on, Transfer-Encoding; received both, or 1.0"
            return await JSONResponse({"error": text}, 400, {"connection": "close"})(scope, receive, send)
        started = False

        async def tell(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._application(scope, receive, tell)
        except (asyncio.CancelledError, MemoryError) as error:
            if started:
                raise
            status, text = _CUT_OFF[type(error)]
            await JSONResponse({"error": text}, status, {"connection": "close"})(scope, receive, send)


class _Flow(FlowControl):
    """Leaves the next request in the kernel while it is held: Uvicorn would read on whenever the application reads."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


def _with_limits(limits: Limits) -> type[H11Protocol]:
    """A protocol class that ends connections of clients that dawdle, or are far too many.

    A connection ends if a request's head takes longer than `limits.read_seconds`, or if that long after an answer was
    written it has not been read, or the body of its request is still to come.
    """

    class Protocol(H11Protocol):
        seconds = limits.read_seconds
        flow: _Flow
        _head_timer: asyncio.TimerHandle | None = None
        _answer_timer: asyncio.TimerHandle | None = None
        _body_timer: asyncio.TimerHandle | None = None
        _refused: Any = None  # the request whose body is timed

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            # Headers and body are two writes: without this the second waits 40 ms for the client's delayed ACK. asyncio
            # does not set it on sockets that Uvicorn binds.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.flow = _Flow(transport)
            if len(self.connections) > 2 * limits.max_connections:
                transport.abort()
            else:
                self._watch_head(begun=True)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            begun = self._hold_next_request()
            self._watch_head(begun)
            if self.conn.their_state is h11.IDLE and not begun and self._head_timer is None:
                self._rest()
            if self.conn.their_state is not h11.SEND_BODY or self.cycle is not self._refused:
                self._stop_body_timer()

        def on_response_complete(self) -> None:
            self.flow.held = False
            refused_early = self.conn.their_state is h11.SEND_BODY
            super().on_response_complete()
            begun = self._hold_next_request()
            self._watch_head(begun)
            if refused_early:  # what still comes is read and forgotten
                self._stop_body_timer()
                self._refused = self.cycle
                self._body_timer = self.loop.call_later(self.seconds, self.transport.abort)
            if self.transport.get_write_buffer_size():
                self._answer_timer = self.loop.call_later(self.seconds, self._abort_if_unread)

        def connection_lost(self, error: Exception | None) -> None:
            for timer in (self._head_timer, self._answer_timer, self._body_timer):
                if timer is not None:
                    timer.cancel()
            super().connection_lost(error)

        def _rest(self) -> None:
            """Keeps a connection open for the next request: what came was the end of a body that is not read."""
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

        def _stop_body_timer(self) -> None:
            if self._body_timer is not None:
                self._body_timer.cancel()
                self._body_timer = None

        def _should_upgrade(self) -> bool:
            return False

        def _hold_next_request(self) -> bool:
            """Stops reading if the next request is here before the answer to this one; tells whether it is."""
            here = bool(self.conn.trailing_data[0])
            self.flow.held = here and self.conn.their_state in (h11.DONE, h11.MIGHT_SWITCH_PROTOCOL)
            return here

        def _watch_head(self, begun: bool) -> None:
            """Starts the clock of a head that has begun, unless it runs, and stops that of one that is whole."""
            if self.conn.their_state is not h11.IDLE:
                if self._head_timer is not None:
                    self._head_timer.cancel()
                    self._head_timer = None
            elif begun and self._head_timer is None:
                self._head_timer = self.loop.call_later(self.seconds, self.transport.abort)

        def _abort_if_unread(self) -> None:
            if self.transport.get_write_buffer_size():
                self.transport.abort()

    return Protocol
