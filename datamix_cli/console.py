"""From the first word of a command line to the command behind it, which reads the rest with its own parser."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from serving.protocol.extras import MissingPackageError, needs
from serving.version import __version__

PROGRAM = "datamix"
#: Set by the shell when it asks for completions.
COMPLETING = "_ARGCOMPLETE"
SHELLS = ("bash", "zsh", "fish")


@dataclasses.dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        module: Where its `main(argv)` and `make_parser()` are.
        extra: The extra of the package that it needs.
        help: What it does, in a clause.
        before: Words that stand before the user's.
    """

    module: str
    extra: str
    help: str
    before: tuple[str, ...] = ()


COMMANDS = {
    "run": Command("pipeline.run", "pipeline", "pictures or recordings to a split model, attacks and a report"),
    "demo": Command("pipeline.demo.__main__", "pipeline", "say a word, or try a finished run, on a local page"),
    "audit": Command("pipeline.audit", "pipeline", "measure what the cloud learns, threat by threat"),
    "compare": Command("pipeline.compare", "pipeline", "several finished runs on one page"),
    "lineage": Command("pipeline.lineage", "pipeline", "which data, settings and code made what a run serves"),
    "obfuscation": Command("pipeline.obfuscation", "pipeline", "the figures of the obfuscation paper"),
    "serve": Command("serving.cloud.__main__", "cloud", "serve the cloud's part, as TensorFlow Serving does"),
    "predict": Command("serving.edge.__main__", "edge", "classify files, through a cloud or without one", ("predict",)),
    "relay": Command("serving.relay.__main__", "cloud", "pass sealed requests on without addresses"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status, 1 if its packages are not installed, 2 if there is no such command."""
    words = list(sys.argv[1:] if argv is None else argv)
    if COMPLETING in os.environ:
        _complete()
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in COMMANDS:
        return _run(COMMANDS[name], rest)
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"datamix-tf {__version__}")
        return 0
    if name == "completion":
        return _print_completion(rest)
    print(f"error: expected a command, one of {', '.join(COMMANDS)}; received {name!r}", file=sys.stderr)
    return 2


def _run(command: Command, rest: list[str]) -> int:
    try:
        with needs(command.extra):
            start: Callable[[list[str]], int] = importlib.import_module(command.module).main
    except MissingPackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return start([*command.before, *rest])


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {PROGRAM} COMMAND ...",
            "",
            "Private split inference: mix on the edge, compute in the cloud, de-mix on the edge.",
            "",
            *lines,
            "",
            f"`{PROGRAM} COMMAND --help` explains a command's flags; `{PROGRAM} --version` tells the version.",
            f'Completion: eval "$({PROGRAM} completion bash)"; or zsh, fish (needs datamix-tf[completion]).',
        ]
    )


def _print_completion(rest: list[str]) -> int:
    if len(rest) != 1 or rest[0] not in SHELLS:
        print(f"error: expected {PROGRAM} completion and one of {', '.join(SHELLS)}", file=sys.stderr)
        return 2
    try:
        import argcomplete
    except ModuleNotFoundError:
        print("error: 'argcomplete' is not installed; pip install 'datamix-tf[completion]'", file=sys.stderr)
        return 1
    print(argcomplete.shellcode([PROGRAM], shell=rest[0]))
    return 0


def _complete() -> None:
    """Answers the shell, which asks what could follow, and ends the process."""
    import argcomplete

    argcomplete.autocomplete(completed_parser(os.environ.get("COMP_LINE", "")))


def completed_parser(line: str) -> argparse.ArgumentParser:
    """A parser of all commands, and of the flags of the one that stands in a line."""
    parser = argparse.ArgumentParser(PROGRAM)
    commands = parser.add_subparsers()
    words = line.split()
    typed = words[1] if len(words) > 1 else ""
    for name, command in COMMANDS.items():
        own = _parser_of(command) if name == typed else None
        if own is None:
            commands.add_parser(name, help=command.help)
        else:
            commands.add_parser(name, help=command.help, parents=[own], add_help=False)
    commands.add_parser("completion", help="what a shell needs to complete").add_argument("shell", choices=SHELLS)
    return parser


def _parser_of(command: Command) -> Any:
    try:
        return importlib.import_module(command.module).make_parser()
    except ImportError:  # not installed: its name is completed, and nothing behind it
        return None
