"""One run at a time on one output folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
from collections.abc import Callable, Iterator

from components.errors import InputError
from components.storage import files, temporaries

FILE = ".lock"


@contextlib.contextmanager
def locked(folder: str) -> Iterator[Callable[[], None]]:
    """Holds the folder's lock within the block; the operating system lets go of it when the process ends, however.

    A remote folder has two: a file of this machine that locks, and an object that says who works on it. The object
    stays when the process is killed: the next run of this machine takes it over, those of other machines are refused.

    Args:
        folder: Exists, on a file system of this machine (or one that shares locks, such as NFS 4), or is a URL.

    Yields:
        A function that removes the object, for a process that ends at once.

    Raises:
        InputError: If another process holds it.
    """
    if not files.is_remote(folder):
        with _locked_file(os.path.join(folder, FILE), folder):
            yield lambda: None
        return
    name = hashlib.sha256(folder.rstrip("/").encode()).hexdigest()[:32]
    with _locked_file(os.path.join(temporaries.folder("locks"), name), folder):
        unlock = _lock_object(os.path.join(folder, FILE), folder)
        try:
            yield unlock
        finally:
            unlock()


@contextlib.contextmanager
def _locked_file(path, folder):
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"another run is working on {folder!r} ({file.read().strip()}); wait for it or choose another --output"
            ) from None
        file.truncate(0)
        file.write(f"{_process()}\n")
        file.flush()
        yield


def _lock_object(url, folder):
    """Creates the object, or takes over that of a killed process of this machine; returns what removes it.

    A store that cannot create an object only if it is not there (few can not) has none.
    """
    store, place = files.filesystem(url)
    text = f"{_process()}, {temporaries.machine()}".encode()
    try:
        store.pipe_file(place, text, mode="create")
    except FileExistsError:
        holder, _, machine = store.cat_file(place).decode().rpartition(", ")
        if machine != temporaries.machine():
            raise InputError(
                f"another run is working on {folder!r} ({holder}); wait for it, choose another --output, or, if it was "
                f"killed, remove {url}"
            ) from None
        store.pipe_file(place, text)  # this machine's file is locked by us, so that process is gone
    except (OSError, ValueError, TypeError, NotImplementedError):
        return lambda: None
    return lambda: files.remove(url)


def _process():
    return f"process {os.getpid()} on {socket.gethostname()}"
