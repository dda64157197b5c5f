"""Keeping what was expensive: a run that was stopped goes on where it was.

A result is kept in a folder named by a hash over everything that can change it: its settings, the examples, and this
project's code. It is written under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import shutil

from components.artifacts import Examples, atomic_folder

SOURCES = ("components", "datamix_tf")
#: What cannot change a trained model: the measuring, packaging and showing that come after.
AFTER_TRAINING = (
    "components/attacker.py",
    "components/audit",
    "components/evaluator.py",
    "components/figures.py",
    "components/methods.py",
    "components/obfuscat",
    "components/packager.py",
    "components/pictures.py",
    "components/pusher.py",
    "components/reporter.py",
    "components/tflite.py",
    "datamix_tf/attacks/",
    "datamix_tf/audit.py",
    "datamix_tf/costs.py",
    "datamix_tf/metrics.py",
    "datamix_tf/profile.py",
)


def kept(folder: str, what: dict, examples: Examples, make, without: tuple[str, ...] = ()) -> str:
    """Path of a kept result, made first if it is not there.

    Args:
        folder: Where results are kept.
        what: Its settings, JSON-ready.
        examples: The artifact that it is computed from.
        make: Called with an empty folder to write the result to.
        without: Beginnings of the paths of sources that cannot change it.

    Returns:
        The path of the folder with the result.
    """
    key = {"what": what, "examples": examples.read_json("schema.json"), "code": _code(without)}
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    path = os.path.join(folder, name)
    if not os.path.isdir(path):
        with atomic_folder(path) as working:
            make(working)
    return path


def link_tree(source: str, target: str) -> None:
    """Puts the files of a kept folder at `target` too, as hard links where the file system has them."""

    def link(old, new):
        try:
            os.link(old, new)
        except OSError:
            shutil.copyfile(old, new)

    shutil.copytree(source, target, copy_function=link)


@functools.cache
def _code(without) -> str:
    """A hash of the sources that compute results."""
    root = pathlib.Path(__file__).parent.parent
    digest = hashlib.sha256()
    for room in SOURCES:
        for path in sorted((root / room).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(tuple(without)):
                digest.update(name.encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
