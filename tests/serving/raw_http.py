"""HTTP/1.1 by hand: requests that no library would send."""

from __future__ import annotations

import contextlib
import re
import socket
import time

UPGRADES = ("h2c", "websocket", "TLS/1.0", "anything")


@contextlib.contextmanager
def connection(url: str):
    """A socket to the server of a URL."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as opened:
        yield opened


def answers(opened: socket.socket, first: float = 30.0, quiet: float = 1.0) -> list[tuple[int, bytes]]:
    """Status and body of every answer that comes until the server closes or has no more to say.

    Args:
        opened: The connection.
        first: Seconds for the first byte; the machine may be busy.
        quiet: Seconds of silence after which there is no more.
    """
    opened.settimeout(first)
    received = b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while part := opened.recv(65536):
            received += part
            opened.settimeout(quiet)
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        size = int(length[1]) if length else len(rest)
        found.append((int(head.split(b" ", 2)[1]), rest[:size]))
        received = rest[size:]
    return found


def head(path: str, size: int | None, **headers: str) -> bytes:
    """The head of a POST request with a body of `size` bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if size is not None:
        lines.append(f"Content-Length: {size}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post_with_upgrade(url: str, path: str, body: bytes, upgrade: str, late: bool, **headers: str):
    """The answers to a POST with an `Upgrade` header; a `late` body comes 0.3 s after the head."""
    with connection(url) as opened:
        start = head(path, len(body), Connection="Upgrade", Upgrade=upgrade, **headers)
        if late:
            opened.sendall(start)
            time.sleep(0.3)
            opened.sendall(body)
        else:
            opened.sendall(start + body)
        return answers(opened)
