"""ASGI applications on the HTTP server that all of ours run on."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import uvicorn

from serving.protocol.http_server import http_config
from serving.protocol.limits import Limits


@contextlib.contextmanager
def running(
    application, read_seconds: float = 20.0, max_connections: int = 1024, drain_seconds: float = 2.0, **options: str
):
    """An application on a port of its own; yields its URL. `options` are Uvicorn's."""
    limits = Limits(read_seconds=read_seconds, max_connections=max_connections)
    config = http_config(application, limits, drain_seconds=drain_seconds, **options)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
