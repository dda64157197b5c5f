"""Where a finished run keeps its artifacts."""

from __future__ import annotations

import os
from typing import TypeVar

from components.errors import InputError
from components.storage import files
from components.storage.artifacts import Artifact

Kind = TypeVar("Kind", bound=Artifact)


def artifact_of(folder: str, kind: type[Kind], producer: str, name: str, file: str) -> Kind:
    """An artifact of a finished run.

    Args:
        folder: Output folder of the run.
        kind: Type of the artifact.
        producer: Name of the node that made it.
        name: What the node calls it.
        file: A file of it, by which it is known to be there.

    Raises:
        InputError: If the file is not there.
    """
    artifact = kind(os.path.join(folder, "artifacts", producer, name))
    if not files.exists(artifact.path(file)):
        raise InputError(
            f"expected the output folder of a finished `python -m pipeline.run`, but {folder!r} has no "
            f"{os.path.relpath(artifact.path(file), folder)}"
        )
    return artifact
