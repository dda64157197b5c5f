"""Flags of a command, derived from a dataclass of settings: parser, `--help`, checks and their messages."""

from __future__ import annotations

import argparse
import dataclasses
import re
import shlex
import sys
import typing
from typing import Any

from components.errors import InputError
from datamix_tf.settings import KEY, REQUIRED, Setting, settings_of
from pipeline.options import texts
from serving.protocol.command_names import called

NEGATIVE = re.compile(r"-[.\d]")


@dataclasses.dataclass(frozen=True)
class Command:
    """A command whose flags are the fields of a dataclass.

    Attributes:
        name: How it is called.
        options: A dataclass of settings. Those that a class of it declares first stand in the group `GROUP` of the
            class.
        description: What it does.
        positional: The field that is no flag but stands alone; several values if it is a tuple.
    """

    name: str
    options: type
    description: str
    positional: str = ""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(message.removeprefix("argument "))


def parse(command: Command, argv: list[str] | None = None) -> tuple[Any, list[str]]:
    """Parses a command line.

    Returns:
        The options, and the arguments that are no flags of the command.

    Raises:
        InputError: If a value cannot be used.
        SystemExit: After `--help`.
    """
    given, left = values(command, argv)
    return command.options(**given), left


def parse_all(command: Command, argv: list[str] | None = None) -> Any:
    """Parses the command line of a command that knows all of it; returns the options.

    Raises:
        InputError: If a value cannot be used, or there are arguments that the command does not know.
        SystemExit: After `--help`.
    """
    options, left = parse(command, argv)
    if left:
        raise InputError(f"expected flags that --help explains; received {shlex.join(left)}")
    return options


def values(command: Command, argv: list[str] | None = None) -> tuple[dict[str, Any], list[str]]:
    """The values that a command line gives, by the field's name, each checked; and the arguments that are left.

    Raises:
        InputError: If a value cannot be used.
        SystemExit: After `--help`.
    """
    spelled = _spelled(command.options, sys.argv[1:] if argv is None else argv)
    known, left = parser(command).parse_known_args(spelled)
    found, kinds = settings_of(command.options), typing.get_type_hints(command.options)
    given = {}
    for name, text in vars(known).items():
        label = found[name].metavar if name == command.positional else f"--{name}"
        given[name] = _value(label, text, found[name], kinds[name])
    return given, left


def parser(command: Command) -> argparse.ArgumentParser:
    """The parser of a command; values stay texts, and what is not given stays out."""
    made = _Parser(
        called(command.name.removeprefix("python -m ")),
        description=command.description,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    for title, fields in groups(command.options).items():
        group = made.add_argument_group(title)
        for field in fields:
            _add(group, field, command)
    return made


def groups(kind: type) -> dict[str, list[dataclasses.Field]]:
    """The fields of a dataclass by the title of their group, in the order of the bases."""
    found = {vars(base)["GROUP"]: [] for base in kind.__mro__ if "GROUP" in vars(base)}
    for field in dataclasses.fields(kind):
        first = next(base for base in reversed(kind.__mro__) if field.name in vars(base).get("__annotations__", ()))
        found[vars(first)["GROUP"]].append(field)
    return {title: fields for title, fields in found.items() if fields}


def default(field: dataclasses.Field) -> str:
    """The default of a field as a user would type it; empty if there is none or the help tells of it."""
    if field.default is REQUIRED or field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return "none" if field.default == () else _setting(field).text(field.default)


def switch(field: dataclasses.Field) -> bool:
    """Whether a flag takes no value."""
    return isinstance(field.default, bool)


def names(field: dataclasses.Field) -> list[str]:
    """How a flag can be written: what is on unless told otherwise has a second name that switches it off."""
    return [f"--{field.name}", *([f"--no-{field.name}"] if field.default is True else [])]


def _add(group, field, command):
    told = _setting(field)
    text = told.explanation + (f" (default: {default(field)})" if default(field) else "")
    text = text.replace("%", "%%")
    if field.name == command.positional:
        several = texts.item(typing.get_type_hints(command.options)[field.name])
        group.add_argument(field.name, metavar=told.metavar, nargs="+" if several else None, help=text)
    elif switch(field):
        action = argparse.BooleanOptionalAction if field.default else "store_true"
        group.add_argument(f"--{field.name}", action=action, help=text)
    else:
        required = field.default is REQUIRED
        group.add_argument(f"--{field.name}", metavar=metavar(field), required=required, help=text)


def metavar(field: dataclasses.Field) -> str:
    """What stands for the value of a flag."""
    told = _setting(field)
    if told.metavar:
        return told.metavar
    if told.known and not isinstance(field.default, tuple):
        return f"{{{','.join(map(str, told.known))}}}"
    return f"{field.name.upper()},..." if isinstance(field.default, tuple) else field.name.upper()


def _value(label: str, text: Any, told: Setting, kind: Any) -> Any:
    """A value from its text, or from a list of texts; a switch has its value already."""
    if isinstance(text, list):
        return tuple(text)
    try:
        value = text if isinstance(text, bool) else told.read(text) if told.read else texts.read(text, kind)
    except ValueError:
        demands = (() if told.read else (texts.noun(kind),)) + ((told.demand,) if told.demand else ())
        raise InputError(f"{label} must be {', '.join(demands)}; received {text or repr(text)}") from None
    if refusal := told.refusal(value):
        raise InputError(f"{label} {refusal}")
    return value


def _spelled(kind, argv):
    """Arguments with flags as they are declared, whether they are typed with `-` or with `_`.

    A value that begins with a minus sign is joined to its flag: argparse takes `-1,2` and `-1e-3` for flags.
    """
    known = {name.replace("_", "-"): name for field in dataclasses.fields(kind) for name in names(field)}
    found = []
    for argument in argv:
        head, sign, value = argument.partition("=")
        if NEGATIVE.match(argument) and found and found[-1] in known.values():
            found[-1] += f"={argument}"
        else:
            found.append(known.get(head.replace("_", "-"), head) + sign + value)
    return found


def _setting(field):
    return field.metadata[KEY]
