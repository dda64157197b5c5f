"""Uvicorn's HTTP protocol with what it lacks: limits for headers and unread answers, and answers that leave at once."""

from __future__ import annotations

import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 << 10


def with_limits(seconds: float) -> type[HttpToolsProtocol]:
    """A protocol class that ends connections of clients that dawdle.

    A connection ends if its request line and headers take longer than `seconds` or more than `MAX_HEADER_BYTES`, or if
    an answer has not been read `seconds` after it was written.
    """

    class Protocol(HttpToolsProtocol):
        _header_timer = _answer_timer = None
        _in_headers = False
        _header_bytes = 0

        def connection_made(self, transport):
            super().connection_made(transport)
            # Headers and body are two writes: without this the second waits 40 ms for the client's delayed ACK. asyncio
            # does not set it on sockets that Uvicorn binds.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start_header_timer()

        def data_received(self, data):
            if self._header_timer is None and (self.cycle is None or self.cycle.response_complete):
                self._start_header_timer()
            super().data_received(data)
            if self._in_headers:
                self._header_bytes += len(data)
                if self._header_bytes > MAX_HEADER_BYTES:
                    self.transport.abort()

        def on_message_begin(self):
            self._in_headers, self._header_bytes = True, 0
            super().on_message_begin()

        def on_headers_complete(self):
            self._in_headers = False
            self._stop_timers()
            super().on_headers_complete()

        def on_response_complete(self):
            super().on_response_complete()
            if self.transport.get_write_buffer_size():
                self._answer_timer = self.loop.call_later(seconds, self._abort_if_unread)

        def connection_lost(self, error):
            self._stop_timers()
            super().connection_lost(error)

        def _start_header_timer(self):
            self._header_timer = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

        def _abort_if_unread(self):
            if self.transport.get_write_buffer_size():
                self.transport.abort()

        def _stop_timers(self):
            for timer in (self._header_timer, self._answer_timer):
                if timer is not None:
                    timer.cancel()
            self._header_timer = self._answer_timer = None

    return Protocol
