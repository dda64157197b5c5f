"""The gRPC API's server: an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import grpc

from serving.protocol.addresses import at
from serving.protocol.errors import ServingError
from serving.protocol.limits import Limits

#: Calls under way that one connection may have.
_STREAMS = 128
#: Time after which a connection without calls is closed; clients open another one when they need it.
_IDLE_SECONDS = 300.0


class GrpcServer:
    """Listens and answers once started.

    Args:
        handlers: What answers.
        host: Address to listen on; IPv6 without brackets.
        port: Port; 0 picks a free one, None listens on none.
        socket_path: Path of a UNIX socket to listen on, too, or None.
        certificate: `(private key, certificate)` in PEM that switch TLS on, or None.
        limits: What clients may cost: connections and calls under way, at most `max_connections` of each; a message's
            size; the time in which a connection must begin to speak.
        arguments: More of gRPC's channel arguments, by name; they come before the server's own.

    Attributes:
        port: Where it listens; None before `start`.

    Raises:
        ServingError: If the port is in use or not this machine's.
    """

    def __init__(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        host: str,
        port: int | None,
        certificate: tuple[bytes, bytes] | None,
        limits: Limits,
        socket_path: str | None = None,
        arguments: Mapping[str, int | str] | None = None,
    ) -> None:
        if port is not None:
            _require_free(host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="grpc", daemon=True)
        self._thread.start()
        self._places = [] if port is None else [at(host, port)]
        self._places += [] if socket_path is None else [f"unix:{socket_path}"]
        self._certificate = certificate
        self.port: int | None = None
        self._server = self._do(self._make(handlers, limits, dict(arguments or {})))

    def start(self) -> None:
        """Begins to listen and to answer.

        Raises:
            ServingError: If it cannot listen there, or the certificate cannot be used.
        """
        for where in self._places:
            try:
                bound = self._do(self._bind(where))
            except (OSError, RuntimeError, ValueError) as error:
                raise ServingError(503, f"cannot start the gRPC API on {where}: {error}") from error
            self.port = self.port if where.startswith("unix:") else bound
        self._do(self._server.start())

    def refuse(self, grace: float) -> None:
        """Refuses new calls from now on; those under way get `grace` seconds. Returns at once."""
        asyncio.run_coroutine_threadsafe(self._server.stop(grace), self._loop)

    def close(self, grace: float) -> None:
        """Ends: calls under way get `grace` seconds."""
        self._do(self._server.stop(grace))
        self._end()

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _make(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        limits: Limits,
        arguments: dict[str, int | str],
    ) -> grpc.aio.Server:
        ours: dict[str, int | str] = {
            "grpc.max_receive_message_length": limits.max_body_bytes,
            "grpc.max_send_message_length": -1,
            "grpc.max_concurrent_streams": _STREAMS,
            "grpc.max_allowed_incoming_connections": limits.max_connections,
            "grpc.server_handshake_timeout_ms": round(1000 * limits.read_seconds),
            "grpc.max_connection_idle_ms": round(1000 * _IDLE_SECONDS),
            "grpc.http2.bdp_probe": 0,  # nobody makes the windows of unread calls grow
            "grpc.so_reuseport": 0,
        }
        options = list({**ours, **arguments}.items())
        return grpc.aio.server(handlers=handlers, maximum_concurrent_rpcs=limits.max_connections, options=options)

    async def _bind(self, where: str) -> int:
        if self._certificate is None:
            return self._server.add_insecure_port(where)
        return self._server.add_secure_port(where, grpc.ssl_server_credentials([self._certificate]))


def _require_free(host: str, port: int) -> None:
    """A port in use is an error at once; gRPC itself takes it when the models are there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise ServingError(503, f"cannot start the gRPC API: cannot listen on {at(host, port)}: {error}") from error
