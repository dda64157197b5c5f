"""The gRPC API's server: an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

import grpc

from serving.protocol.errors import ServingError

#: Calls under way that one connection may have.
_STREAMS = 128


class GrpcServer:
    """Listens from the beginning and answers once started.

    Args:
        handlers: What answers.
        host: Address to listen on; IPv6 without brackets.
        port: Port; 0 picks a free one.
        certificate: `(private key, certificate)` in PEM that switch TLS on, or None.
        max_calls: Calls under way; more are refused with RESOURCE_EXHAUSTED.
        max_message_bytes: Largest message that is received.

    Attributes:
        port: Where it listens.

    Raises:
        ServingError: If the port cannot be bound or the certificate cannot be used.
    """

    def __init__(
        self,
        handlers: Sequence[grpc.GenericRpcHandler],
        host: str,
        port: int,
        certificate: tuple[bytes, bytes] | None,
        max_calls: int,
        max_message_bytes: int,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="grpc", daemon=True)
        self._thread.start()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._server = self._do(self._make(handlers, max_calls, max_message_bytes))
            self.port: int = self._do(self._bind(where, certificate))
        except (OSError, RuntimeError, ValueError) as error:
            self._end()
            raise ServingError(503, f"cannot start the gRPC API on {where}: {error}") from error

    def start(self) -> None:
        """Begins to answer."""
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
        self, handlers: Sequence[grpc.GenericRpcHandler], max_calls: int, max_message_bytes: int
    ) -> grpc.aio.Server:
        return grpc.aio.server(
            handlers=handlers,
            maximum_concurrent_rpcs=max_calls,
            options=[
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", _STREAMS),
                ("grpc.http2.bdp_probe", 0),  # nobody makes the windows of unread calls grow
                ("grpc.so_reuseport", 0),
            ],
        )

    async def _bind(self, where: str, certificate: tuple[bytes, bytes] | None) -> int:
        if certificate is None:
            return self._server.add_insecure_port(where)
        return self._server.add_secure_port(where, grpc.ssl_server_credentials([certificate]))
