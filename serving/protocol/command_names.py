"""How a command is called: `python -m MODULE`, or `datamix COMMAND` where that is what the user has typed."""

from __future__ import annotations

import os
import shlex
import sys

#: Commands of the console command `datamix` by what stands after `python -m`.
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


def called(module: str) -> str:
    """What a user types in front of a command's arguments.

    Args:
        module: What stands after `python -m`.
    """
    console = os.path.splitext(os.path.basename(sys.argv[0]))[0] == "datamix"
    return f"datamix {CONSOLE[module]}" if console and module in CONSOLE else f"python -m {module}"


def typed(module: str, *arguments: str) -> str:
    """A command with its arguments, as a user types it."""
    return " ".join([called(module), *map(shlex.quote, arguments)])
