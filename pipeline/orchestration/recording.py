"""What is recorded of a command: its line and its settings, without passwords."""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from typing import Any

from serving.protocol.addresses import masked

#: Commands of the console command `datamix` by their modules.
CONSOLE = {
    "pipeline.run": "run",
    "pipeline.audit": "audit",
    "pipeline.compare": "compare",
    "pipeline.lineage": "lineage",
    "pipeline.obfuscation": "obfuscation",
    "pipeline.demo": "demo",
    "serving.cloud": "serve",
    "serving.edge predict": "predict",
    "serving.relay": "relay",
}


def typed(module: str, *arguments: str) -> str:
    """A command as the user would type it: as `datamix COMMAND` if this process was started so.

    Args:
        module: What stands after `python -m`.
        *arguments: Its arguments.
    """
    console = os.path.splitext(os.path.basename(sys.argv[0]))[0] == "datamix"
    head = f"datamix {CONSOLE[module]}" if console else f"python -m {module}"
    return " ".join([head, *map(shlex.quote, arguments)])


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
