"""What a process costs in memory while a block runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import psutil

SECONDS = 0.005


@contextlib.contextmanager
def watched_memory(pid: int) -> Iterator[Callable[[], int]]:
    """Looks at a process while the block runs; yields what tells the most by which it grew, in bytes."""
    process, ended = psutil.Process(pid), threading.Event()
    before = most = process.memory_info().rss

    def watch():
        nonlocal most
        while not ended.wait(SECONDS):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: most - before
    finally:
        ended.set()
        watcher.join()
