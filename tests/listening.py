"""Who listens where."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import threading
from collections.abc import Iterator

import psutil

_SECONDS = 0.1


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port of every TCP socket that a process, or one that it started, listens on."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):  # it may end meanwhile
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {tuple(c.laddr) for c in each.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return found


def beyond_loopback(pid: int) -> set[tuple[str, int]]:
    """Where a process, or one that it started, listens for more than this machine."""
    return {(address, port) for address, port in listening(pid) if not _is_loopback(address)}


@contextlib.contextmanager
def watched_ports() -> Iterator[set[tuple[str, int]]]:
    """Looks while the block runs; yields the set of what this process and all it starts open for other machines."""
    found, ended = set(), threading.Event()

    def watch():
        while not ended.wait(_SECONDS):
            found.update(beyond_loopback(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
