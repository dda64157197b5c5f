"""The commands: runs, audits, comparisons, lineage, the demo."""

from __future__ import annotations

import importlib.util
import sys

from serving.protocol.extras import MissingPackageError

#: What the commands import before they can say anything themselves.
IMPORTED = ("numpy", "tensorflow", "keras", "apache_beam", "msgspec", "fsspec", "sqlalchemy", "scipy", "jinja2", "PIL")


def _require() -> None:
    """Says in one line what to install where `python -m` runs a command; elsewhere raises MissingPackageError."""
    missing = [name for name in IMPORTED if importlib.util.find_spec(name) is None]
    if not missing:
        return
    text = f"not installed: {', '.join(missing)}; pip install 'datamix-tf[pipeline]'"
    if sys.argv[:1] == ["-m"]:  # what it is while Python looks for the module to run
        print(f"error: {text}", file=sys.stderr)
        sys.exit(1)
    raise MissingPackageError(text)


_require()
