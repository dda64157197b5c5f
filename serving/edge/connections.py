"""HTTP connections that end at a deadline, however slowly the other side drips.

The library's timeouts start anew with every byte that arrives; here a timer shuts the socket.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Iterator
from typing import Any


class _Cut:
    """Mixed into urllib3's connections."""

    sock: socket.socket
    timeout: float

    def getresponse(self) -> Any:
        """Reads status line and headers within the read timeout, altogether."""
        # A connection that will be closed forgets its socket while the answer's body is still to be read.
        self._kept = self.sock
        with self.cut_after(self.timeout):
            return super().getresponse()  # type: ignore[misc]  # the connection's

    @contextlib.contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Shuts the socket if the block takes longer; what waits for it then fails."""
        timer = threading.Timer(seconds, _shut, (self._kept,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _shut(kept: socket.socket) -> None:
    with contextlib.suppress(OSError):
        kept.shutdown(socket.SHUT_RDWR)


@functools.cache
def pool_classes() -> dict[str, Any]:
    """For `urllib3.PoolManager.pool_classes_by_scheme`."""
    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection

    def pool(base: type, connection: type) -> type:
        cut = type(f"Cut{connection.__name__}", (_Cut, connection), {})
        return type(f"Cut{base.__name__}", (base,), {"ConnectionCls": cut})

    return {
        "http": pool(urllib3.HTTPConnectionPool, HTTPConnection),
        "https": pool(urllib3.HTTPSConnectionPool, HTTPSConnection),
    }
