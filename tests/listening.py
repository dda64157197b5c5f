"""Who listens where."""

from __future__ import annotations

import contextlib

import psutil


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port of every TCP socket that a process, or one that it started, listens on."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):  # it may end meanwhile
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= {tuple(c.laddr) for c in each.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return found
