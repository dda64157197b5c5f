"""Paths that may be URLs: the few things that the pipeline does with files, wherever they lie.

A local path is used as it is. A URL (`s3://`, `gs://`, `hdfs://`: whatever fsspec opens) is taken for an object store:
it cannot rename, so nothing in it is whole by its name alone. A folder there is whole if it has a marker, which is
removed before anything in the folder changes and written after all of it; a file there is whole, because stores show a
file only when all of it has come. Paths are joined with `os.path.join`, which does what is wanted with URLs, too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator

import fsspec

from components.errors import InputError
from components.storage import temporaries
from serving.protocol.addresses import masked

#: The file that says that a remote folder is whole; after Hadoop's, with a text of its own each time.
MARKER = "_SUCCESS"
#: How names of files end that are never empty.
NEVER_EMPTY = (".json", ".keras", ".tflite", ".pb")
PACKAGES = {"s3": "'datamix-tf[s3]'", "s3a": "'datamix-tf[s3]'", "gs": "gcsfs", "gcs": "gcsfs", "hdfs": "pyarrow"}


def is_remote(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def filesystem(url: str):
    """fsspec's file system of a URL, and the path in it. Other processes write there too: listings are not cached.

    Raises:
        InputError: If the URL has a password, which would stand in every record of what lies there.
    """
    if masked(url) != url:
        raise InputError(
            f"expected a URL without a password, received {url!r}; put the password into the environment, as "
            "FSSPEC_<SCHEME>_PASSWORD or what the store reads itself (docs/how-to/object-stores.md)"
        )
    return fsspec.core.url_to_fs(url, use_listings_cache=False)


def exists(path: str) -> bool:
    """Whether there is a file, or a folder with something in it."""
    if not is_remote(path):
        return os.path.exists(path)
    files, place = filesystem(path)
    return files.exists(place)


def is_whole(folder: str) -> bool:
    """Whether a folder is there, all of it."""
    return exists(os.path.join(folder, MARKER)) if is_remote(folder) else os.path.isdir(folder)


def is_damaged(folder: str) -> bool:
    """Whether a local folder has a file with nothing in it where there must be something, as a full disk leaves it."""
    if is_remote(folder):
        return False
    found = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return any(path.endswith(NEVER_EMPTY) and os.path.getsize(path) == 0 for path in found)


def mark_whole(folder: str) -> None:
    """Writes the marker of a remote folder."""
    files, place = filesystem(os.path.join(folder, MARKER))
    files.pipe_file(place, uuid.uuid4().hex.encode())


def is_folder(path: str) -> bool:
    """Whether there is a folder; a remote one has something in it."""
    if not is_remote(path):
        return os.path.isdir(path)
    files, place = filesystem(path)
    return files.isdir(place)


def names(folder: str) -> list[str]:
    """The names in a folder, sorted, without a marker; none if it is not there."""
    try:
        if is_remote(folder):
            files, place = filesystem(folder)
            found = {path.rstrip("/").rpartition("/")[2] for path in files.ls(place, detail=False) if path != place}
        else:
            found = set(os.listdir(folder))
    except FileNotFoundError:
        return []
    return sorted(found - {MARKER})


def tree(url: str) -> dict[str, dict]:
    """The files below a remote folder by their path relative to it, markers too, with what the store tells of each.

    A remote file is its own tree: its relative path is empty.
    """
    files, place = filesystem(url)
    found = files.find(place, detail=True)
    return {path[len(place) :].lstrip("/"): found[path] for path in sorted(found) if not path.endswith("/")}


def remove(path: str) -> None:
    """Removes a file or a folder, if it is there; a remote folder's marker first."""
    if not is_remote(path):
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.remove(path)
        return
    files, place = filesystem(path)
    for part, recursive in ((f"{place}/{MARKER}", False), (place, True)):
        with contextlib.suppress(FileNotFoundError):
            files.rm(part, recursive=recursive)


def read_bytes(path: str) -> bytes:
    """The content of a file."""
    if is_remote(path):
        files, place = filesystem(path)
        return files.cat_file(place)
    with open(path, "rb") as file:
        return file.read()


def upload(source: str, url: str, last: str | None = None) -> None:
    """Copies a local file, or all files of a local folder, to a URL.

    Args:
        source: The file or folder.
        url: Where it is then; what is there beside is left.
        last: Path of a file in the folder that is copied after all others.
    """
    files, place = filesystem(url)
    if os.path.isfile(source):
        files.put_file(source, place)
        return
    found = [os.path.relpath(os.path.join(parent, name), source) for parent, _, own in os.walk(source) for name in own]
    for name in sorted(found, key=lambda name: (name == last, name)):
        files.put_file(os.path.join(source, name), f"{place}/{name}")


def download(url: str, folder: str) -> str:
    """Copies a remote file or folder, without its marker, into a local folder, under its own name; returns its path.

    Raises:
        FileNotFoundError: If there is nothing.
    """
    files, place = filesystem(url)
    target = os.path.join(folder, place.rpartition("/")[2])
    found = tree(url)
    if not found:
        raise FileNotFoundError(f"there is nothing at {url}")
    if "" not in found:
        os.makedirs(target, exist_ok=True)
    for name in found:
        if name != MARKER:
            path = os.path.join(target, name) if name else target
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.get_file(f"{place}/{name}" if name else place, path)
    return target


@contextlib.contextmanager
def borrowed(path: str) -> Iterator[str]:
    """A local path of a file or folder that is read once: itself, or a copy that goes away after the block."""
    if not is_remote(path):
        yield path
        return
    with temporaries.temporary_folder() as folder:
        yield download(path, folder)


@contextlib.contextmanager
def writing(folder: str) -> Iterator[str]:
    """A local folder to write files of a folder to: itself, or an empty one that is uploaded if the block succeeds."""
    if not is_remote(folder):
        yield folder
        return
    with temporaries.temporary_folder() as temporary:
        yield temporary
        upload(temporary, folder)


def require_writable(folder: str) -> None:
    """Raises an InputError with the reason if nothing can be written to a folder; a local one is made."""
    probe = os.path.join(folder, ".tmp-probe")
    if not is_remote(folder):
        try:
            os.makedirs(folder, exist_ok=True)
            with open(probe, "w", encoding="utf-8"):
                pass
            os.remove(probe)
        except OSError as error:
            raise InputError(f"expected an output folder that can be written, but {folder!r} cannot: {error}") from None
        return
    with explained(folder):
        files, place = filesystem(probe)
        files.pipe_file(place, b"")
        files.rm(place)


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns what goes wrong with a URL within the block into an InputError of one line; leaves local paths alone."""
    if not is_remote(url):
        yield
        return
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # each store has errors of its own
        raise InputError(f"expected a URL that can be used, but {url!r} cannot: {_reason(url, error)}") from None


def _reason(url, error):
    scheme, _, rest = url.partition("://")
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, ImportError):
        return f"a package is missing; pip install {PACKAGES[scheme]}" if scheme in PACKAGES else said
    if isinstance(error, FileNotFoundError):
        return f"there is no bucket or root {rest.partition('/')[0]!r} ({said}); make it first"
    if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        return f"access is refused ({said}); check the credentials in the environment"
    if isinstance(error, ValueError):
        return said
    return f"{said}; check the address and the network"
