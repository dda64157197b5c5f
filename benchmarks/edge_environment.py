"""A fresh virtual environment with the edge's dependencies alone."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class EdgeEnvironment:
    """What `pip install '.[edge]'` made.

    Attributes:
        python: Path of its interpreter. Run it outside of the repository, so that the installed package is imported.
        megabytes: What the installation added to an empty environment on disk.
        packages: Names of what is installed, without pip.
    """

    python: str
    megabytes: int
    packages: tuple[str, ...]


def edge_environment(folder: str) -> EdgeEnvironment:
    """Makes a virtual environment in `folder/venv` and installs this repository's `[edge]` into it with pip.

    Raises:
        RuntimeError: If pip fails; the text is what it said.
    """
    path = os.path.join(folder, "venv")
    subprocess.run([sys.executable, "-m", "venv", path], check=True)
    python, empty = os.path.join(path, "bin", "python"), _megabytes(path)
    _pip(python, "install", "--quiet", f"{REPOSITORY}[edge]")
    listed = json.loads(_pip(python, "list", "--format=json"))
    packages = tuple(sorted(entry["name"] for entry in listed if entry["name"] != "pip"))
    return EdgeEnvironment(python, _megabytes(path) - empty, packages)


def _pip(python, *arguments):
    done = subprocess.run([python, "-m", "pip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def _megabytes(folder):
    out = subprocess.run(["du", "-sm", folder], check=True, capture_output=True, text=True).stdout
    return int(out.split()[0])
