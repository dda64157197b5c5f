"""Clients that mean no good: bodies that never end, connections that say nothing, messages of full size."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import urllib3

from tests.serving.raw_http import head

MIB = 1 << 20
_PIECE = 1 << 18


def connect(url: str) -> socket.socket:
    """A connection to the server of a URL, or of HOST:PORT."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


@contextlib.contextmanager
def silent(url: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that say nothing."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(url)) for _ in range(count)]


@contextlib.contextmanager
def unfinished(url: str, path: str, kind: str, count: int, size: int, **headers: str) -> Iterator[list[socket.socket]]:
    """Requests whose last byte is missing, each of `size` bytes or as many as the server takes."""

    def fill(opened: socket.socket) -> None:
        opened.settimeout(2)
        with contextlib.suppress(OSError):
            opened.sendall(head(path, size + 1, **{"Content-Type": kind}, **headers))
            for start in range(0, size, _PIECE):
                opened.sendall(bytes(min(_PIECE, size - start)))

    with silent(url, count) as sockets, concurrent.futures.ThreadPoolExecutor(count) as threads:
        list(threads.map(fill, sockets))
        yield sockets


def still_open(sockets: list[socket.socket], seconds: float) -> int:
    """How many connections the server has not ended when so many seconds are over, or none earlier."""
    end = time.monotonic() + seconds
    left = list(sockets)
    while left and time.monotonic() < end:
        left = [opened for opened in left if _is_open(opened)]
        time.sleep(0.1)
    return len(left)


def _is_open(opened: socket.socket) -> bool:
    opened.setblocking(False)
    try:
        while opened.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def post_all(url: str, kind: str, body: Callable[[], bytes], count: int, **headers: str) -> dict[object, int]:
    """Posts bodies at once; gives how often each status came, None where the connection was lost."""

    def post(_: int) -> int | None:
        try:
            sent = {"content-type": kind, **headers}
            return urllib3.request("POST", url, body=body(), headers=sent, retries=False, timeout=120).status
        except (urllib3.exceptions.HTTPError, OSError):
            return None

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        statuses = list(threads.map(post, range(count)))
    return {status: statuses.count(status) for status in set(statuses)}
