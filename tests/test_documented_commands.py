"""Every command line of README.md and docs/ is one that its command takes.

A block without a language is what a reader types, in its order; the shell reads it here as there. Blocks that cannot be
typed (pictures, output) are marked `text`. tests/test_readme.py runs those that are cheap enough.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import re
import runpy
import subprocess
import sys

import pytest

from datamix_cli.console import COMMANDS as COMMANDS_OF_CONSOLE
from pipeline import audit, compare, lineage, obfuscation
from pipeline.options import flags, run_options
from tests.conftest import REPOSITORY

DOCUMENTS = ("README.md", *sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "docs").rglob("*.md")))
#: Commands whose flags are dataclasses; `pipeline.run` hands what it does not know to Beam.
COMMANDS = {"pipeline.compare": compare.COMMAND, "pipeline.lineage": lineage.COMMAND}
WITH_BEAM = {"pipeline.audit": audit.COMMAND, "pipeline.obfuscation": obfuscation.COMMAND}
BEAM = ("--runner",)
#: Programs that are not ours: what they are given is not looked at.
FOREIGN = ("cd", "curl", "docker", "git", "gzip", "make", "openssl", "pip")
SHELL = (
    "set -eu\npython() { printf '%s\\0' \"$@\" >&3; printf '\\n' >&3; }\n"
    'datamix() { python -m datamix_cli "$@"; }\n' + "\n".join(f"{name}() {{ :; }}" for name in FOREIGN) + "\n"
)


class _ParsedError(Exception):
    """A command line that was read to its end; the command need not begin."""


def blocks(document):
    """The blocks of a document that are typed."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    found = re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for language, block in found if not language]


def typed(block, folder):
    """The arguments that a shell gives to every `python` of a block, in order."""
    script = SHELL + block.replace(".venv/bin/python", "python").replace("<this repository>", "REPOSITORY")
    path = folder / "arguments"
    result = subprocess.run(
        ["bash", "-c", f"exec 3>{path}\n{script}"], cwd=folder, capture_output=True, text=True, timeout=20
    )
    assert result.returncode == 0 and not result.stderr, (block, result.stderr)
    return [line.split("\0") for line in path.read_text(encoding="utf-8").split("\0\n") if line]


def check(words, monkeypatch):
    """Raises if a command does not take its arguments."""
    if words[0] == "-c":
        compile(words[1], "-c", "exec")
        return
    module, arguments = (words[1], words[2:]) if words[0] == "-m" else (words[0], words[1:])
    for flag, plugin in itertools.pairwise(arguments):
        if flag == "--plugin":  # imported by another test, it would not register anew
            monkeypatch.delitem(sys.modules, plugin, raising=False)
    if module == "datamix_cli":
        command = COMMANDS_OF_CONSOLE[arguments[0]]
        module, arguments = command.module.removesuffix(".__main__"), [*command.before, *arguments[1:]]
    if module == "pipeline.run" or module in WITH_BEAM:
        parse = run_options.parse if module == "pipeline.run" else lambda argv: flags.parse(WITH_BEAM[module], argv)
        left = parse(arguments)[1]
        assert not [word for word in left if word.startswith("-") and word not in BEAM], left
    elif module in COMMANDS:
        flags.parse_all(COMMANDS[module], arguments)
    else:
        begin(module, arguments, monkeypatch)


def begin(module, arguments, monkeypatch):
    """Runs a command as far as its parser."""
    parse = argparse.ArgumentParser.parse_known_args

    def parse_known_args(self, args=None, namespace=None):
        found, rest = parse(self, args, namespace)
        if not rest:
            raise _ParsedError
        return found, rest

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse_known_args)
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(_ParsedError):
        if module.endswith(".py"):
            runpy.run_path(str(REPOSITORY / module), run_name="__main__")
        else:
            assert importlib.util.find_spec(module)
            runpy.run_module(module, run_name="__main__")
    monkeypatch.undo()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_line_is_one_that_its_command_takes(document, tmp_path, monkeypatch, capsys):
    for block in blocks(document):
        for words in typed(block, tmp_path):
            try:
                check(words, monkeypatch)
            except (SystemExit, Exception) as error:
                pytest.fail(f"{document}: python {' '.join(words)}: {error} {capsys.readouterr().err}")


def test_a_line_of_the_console_command_is_read_by_the_command_behind_it(tmp_path, monkeypatch):
    for line in (
        "datamix lineage runs/mine",
        "datamix predict --bundle runs/a/edge_only a.jpg",
        "datamix run --epochs 1",
    ):
        ((words),) = typed(line, tmp_path)
        check(words, monkeypatch)


def test_the_commands_are_found(tmp_path):
    lines = [words for document in DOCUMENTS for block in blocks(document) for words in typed(block, tmp_path)]
    assert len(lines) > 40 and {words[1] for words in lines} >= {"pipeline.run", "pipeline.audit", "serving.edge"}


@pytest.mark.parametrize(
    "line",
    [
        "python -m serving.edge predict --bundle runs/a/edge --url http://127.0.0.1:1 a.jpg --covers A b.jpg",
        "python -m serving.cloud --model_base_path x --no_such_flag 1",
        "python -m pipeline.audit runs/mine --no_such_flag 1",
        "python -m pipeline.run --width many",
        "datamix lineage runs/mine --no_such_flag 1",
        "datamix predict --bundle runs/a/edge --no_such_flag 1",
        "python examples/grpc_client.py --address 127.0.0.1:8500",
    ],
)
def test_a_line_that_a_command_refuses_is_noticed(line, tmp_path, monkeypatch):
    ((words),) = typed(line, tmp_path)
    with pytest.raises((SystemExit, Exception, pytest.fail.Exception)):
        check(words, monkeypatch)
