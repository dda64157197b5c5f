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

from components.errors import InputError

TEMPORARY_PREFIX = ".tmp-"
#: Environment variable with the run's own mark, which workers inherit: a run that stops removes its own leftovers only.
RUN_VARIABLE = "DATAMIX_RUN"
VARIABLE = "DATAMIX_CACHE"
KEPT_DAYS = 7
#: Environment variable with the most bytes of copies; by default the disk keeps `SPARE_BYTES` free.
LIMIT_VARIABLE = "DATAMIX_CACHE_BYTES"
SPARE_BYTES = 2**30
#: Seconds after its last use in which a copy is not removed to make room: somebody may be about to open it.
IN_USE = 600
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


def make_room(name: str, needed: int) -> None:
    """Removes what was used longest ago from a folder in it, until so many bytes more are within the limit.

    Raises:
        InputError: If they are not, even without all that nobody seems to use now.
    """
    entries = sorted((entry.stat().st_mtime, entry.path) for entry in os.scandir(folder(name)))
    sizes = {path: _size(path) for _, path in entries}
    held = sum(sizes.values())
    told = os.environ.get(LIMIT_VARIABLE)
    limit = int(told) if told else held + shutil.disk_usage(folder(name)).free - SPARE_BYTES
    for used, path in entries:
        if held + needed <= limit or time.time() - used < IN_USE:
            break
        shutil.rmtree(path, ignore_errors=True)
        held -= sizes[path]
    if held + needed > limit:
        raise InputError(
            f"expected room for a copy of {needed} bytes, but copies in {folder(name)} may take {max(limit, 0)} and "
            f"{held} are in use; free the disk, name another folder in {VARIABLE}, or raise {LIMIT_VARIABLE}"
        )


def _size(path):
    return sum(os.path.getsize(os.path.join(parent, name)) for parent, _, names in os.walk(path) for name in names)


def forget(name: str) -> None:
    """Removes what nobody has used for `KEPT_DAYS` from a folder in it."""
    oldest = time.time() - KEPT_DAYS * 86400
    for entry in os.scandir(folder(name)):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry.path, ignore_errors=True)
