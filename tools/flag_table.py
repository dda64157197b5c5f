"""`python -m tools.flag_table`: writes docs/reference/flags.md, every flag of the commands, from the code."""

from __future__ import annotations

import dataclasses
import pathlib

from datamix_tf.settings import REQUIRED, settings_of
from pipeline import audit, compare, lineage, obfuscation
from pipeline.options import flags, run_options

PATH = pathlib.Path(__file__).resolve().parents[1] / "docs" / "reference" / "flags.md"
INTRODUCTION = """\
# Flags

What `--help` explains, too; `python -m tools.flag_table` writes this page. A flag may be typed with `-` for `_`.
Several values are written with commas and no spaces. A value that cannot be used ends a command with status 2 and one
line that says what was expected and what came. Any Beam option may follow those of `pipeline.run`,
`pipeline.obfuscation` and `pipeline.audit` ([other runners](../how-to/runners.md))."""


def page() -> str:
    """The page, as Markdown."""
    return "\n\n".join([INTRODUCTION, *(part for command in commands() for part in sections(command))]) + "\n"


def commands() -> tuple[flags.Command, ...]:
    """The commands, that of a run with the flags of the defences that are registered."""
    return run_options.command(), *(module.COMMAND for module in (obfuscation, audit, compare, lineage))


def sections(command: flags.Command) -> list[str]:
    """The heading of a command and a table for each group of its flags."""
    parts = [f"## `{command.name}`"]
    for title, fields in flags.groups(command.options).items():
        lines = ["| flag | default | must be | what it is |", "| --- | --- | --- | --- |"]
        parts += [f"### {title[0].upper()}{title[1:]}", "\n".join(lines + [_line(command, field) for field in fields])]
    return parts


def main() -> None:
    """Writes the page."""
    PATH.write_text(page(), encoding="utf-8")


def _line(command: flags.Command, field: dataclasses.Field) -> str:
    told = settings_of(command.options)[field.name]
    alone = field.name == command.positional
    name = f"`{told.metavar}`" if alone else ", ".join(f"`{flag}`" for flag in flags.names(field))
    default = "required" if field.default is REQUIRED else flags.default(field)
    return f"| {' | '.join((name, default, told.demand, told.help))} |"


if __name__ == "__main__":
    main()
