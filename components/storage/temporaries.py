"""A folder of this machine for what has its place elsewhere: temporaries, copies of remote files, locks.

It is `$DATAMIX_CACHE`, by default `datamix-tf` in the user's cache folder, and may be removed while no run is working.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator

TEMPORARY_PREFIX = ".tmp-"
#: Environment variable with the run's own mark, which workers inherit: a run that stops removes its own leftovers only.
RUN_VARIABLE = "DATAMIX_RUN"
VARIABLE = "DATAMIX_CACHE"
KEPT_DAYS = 7
WORKING = "working"


def temporary_prefix() -> str:
    """What the names of this run's temporaries begin with."""
    return f"{TEMPORARY_PREFIX}{os.environ.get(RUN_VARIABLE, '')}-"


def folder(name: str) -> str:
    """A folder in it, made if it is not there, for this user alone."""
    path = os.path.join(_root(os.environ.get(VARIABLE)), name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@functools.cache
def _root(named):
    standard = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    root = named or os.path.join(standard, "datamix-tf")
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
    except OSError:
        if named:
            raise
        # A worker without a home: what it copies is of use to itself alone.
        return tempfile.mkdtemp(prefix="datamix-tf-")
    return root


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A new folder that goes away after the block."""
    path = tempfile.mkdtemp(prefix=temporary_prefix(), dir=folder(WORKING))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def machine() -> str:
    """A text that all processes with this folder share, and no others."""
    path = os.path.join(folder("locks"), "machine")
    if not os.path.exists(path):
        with temporary_folder() as temporary:
            own = os.path.join(temporary, "machine")
            with open(own, "w", encoding="utf-8") as file:
                file.write(uuid.uuid4().hex)
            with contextlib.suppress(FileExistsError):
                os.link(own, path)
    with open(path, encoding="utf-8") as file:
        return file.read()


def forget(name: str) -> None:
    """Removes what nobody has used for `KEPT_DAYS` from a folder in it."""
    oldest = time.time() - KEPT_DAYS * 86400
    for entry in os.scandir(folder(name)):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry.path, ignore_errors=True)
