"""Keeping what was expensive: a run that was stopped goes on where it was.

A result is kept in a folder named by a hash over everything that can change it: its settings, the examples, and the
sources that compute it. It is written under a temporary name and renamed when it is whole; in an object store, marked.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading

from components.caching import code_fingerprint
from components.storage import files
from components.storage.artifacts import Examples, atomic_folder
from components.storage.local_copies import local_copy

#: Keras's random state belongs to the process: what threads of a runner make at once would draw each other's numbers.
_making = threading.RLock()


def cached(folder: str, what: dict, examples: Examples, make, module: str) -> str:
    """Path of a kept result, made first if it is not there; one at a time in a process.

    Args:
        folder: Where results are kept.
        what: Its settings, JSON-ready.
        examples: The artifact that it is computed from.
        make: Called with an empty folder to write the result to.
        module: The module that computes it; its sources and those that it imports count.

    Returns:
        The path of a local folder with the result, to read only.
    """
    path = cache_path(folder, what, examples, module)
    with _making:
        if not files.is_whole(path):
            with atomic_folder(path) as working:
                make(working)
    return local_copy(path)


def cache_path(folder: str, what: dict, examples: Examples, module: str) -> str:
    """Where `cached` keeps a result; the arguments are its."""
    key = {"what": what, "examples": examples.read_json("schema.json"), "code": code_fingerprint.fingerprint(module)}
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return os.path.join(folder, name)


def link_tree(source: str, target: str) -> None:
    """Puts the files of a kept folder at `target` too, as hard links where the file system has them.

    Args:
        source: What `cached` returned.
        target: Is not there yet, or is remote.
    """
    if files.is_remote(target):
        files.upload(source, target)
        return

    def link(old, new):
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)

    shutil.copytree(source, target, copy_function=link)
