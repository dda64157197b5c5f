"""One run at a time on one output folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket

from components.errors import InputError

FILE = ".lock"


@contextlib.contextmanager
def locked(folder: str):
    """Holds the folder's lock within the block; the operating system lets go of it when the process ends, however.

    Args:
        folder: Exists, on a file system of this machine (or one that shares locks, such as NFS 4).

    Raises:
        InputError: If another process holds it.
    """
    with open(os.path.join(folder, FILE), "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"another run is working on {folder!r} ({file.read().strip()}); wait for it or choose another --output"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
