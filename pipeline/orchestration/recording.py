"""What is recorded of a command: its line and its settings, without passwords."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from typing import Any

from serving.protocol.addresses import masked


def command_line(module: str, argv: list[str] | None = None) -> str:
    """The command line as a person would type it.

    Args:
        module: What stands after `python -m`.
        argv: Its arguments; default: those of the process.
    """
    arguments = sys.argv[1:] if argv is None else argv
    return shlex.join(["python", "-m", module, *map(masked, arguments)])


def settings(options: Any) -> dict[str, Any]:
    """The options of a command by name."""
    found = dataclasses.asdict(options)
    return {name: masked(value) if isinstance(value, str) else value for name, value in found.items()}
