"""What to say where an optional package is missing: which line installs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

#: Our own packages: of these a missing module is a fault, not a choice.
OURS = ("benchmarks", "components", "datamix_cli", "datamix_tf", "examples", "pipeline", "serving", "tools")


class MissingPackageError(ImportError):
    """A package of an extra is not installed; the text has the line that installs it."""


@contextlib.contextmanager
def needs(extra: str) -> Iterator[None]:
    """Says which extra a package belongs to that cannot be imported within the block.

    Args:
        extra: One of pyproject.toml's, such as `cloud`.

    Raises:
        MissingPackageError: If a package that is not ours is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if not root or root in OURS:
            raise
        raise MissingPackageError(f"{root!r} is not installed; pip install 'datamix-tf[{extra}]'") from error
