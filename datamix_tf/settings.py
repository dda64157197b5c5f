"""Fields of frozen dataclasses that are flags of a command, too: type, default, help and check stand in one place.

    @dataclasses.dataclass(frozen=True)
    class Noise:
        variance: float = setting(4.0, "variance of the noise", **at_least(0))

The type is the field's annotation. Commands make their flags, their `--help`, the message of a failed check and the
documentation's table of such classes; a library user makes an instance and calls `check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

KEY = "setting"
#: The default of a field that must be given.
REQUIRED = dataclasses.MISSING
_SAME = object()


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of a field beside its type and default.

    Attributes:
        help: What it means, in a clause.
        check: Tells whether a value can be used; of a tuple, whether each of its items can.
        expected: What the check demands, to follow "must be".
        choices: The values that there are, or a function that tells them when it is asked; empty for any.
        listed: Tells names that a command's help lists behind `help`, such as those in a registry.
        metavar: What stands for the value in a command's help; empty for the field's name.
        read: From a text to a value, raises ValueError; `None` if the annotation says how.
        write: From a value to a text that `read` reads; `None` likewise.
    """

    help: str
    check: Callable[[Any], bool] = lambda value: True
    expected: str = ""
    choices: tuple[Any, ...] | Callable[[], Iterable[Any]] = ()
    listed: Callable[[], Iterable[str]] = tuple
    metavar: str = ""
    read: Callable[[str], Any] | None = None
    write: Callable[[Any], str] | None = None

    def refusal(self, value: Any) -> str:
        """Why a value cannot be used, to follow the field's name; empty if it can. `None` stands for no value."""
        if value is None:
            return ""
        items = value if isinstance(value, tuple) else (value,)
        if self.known and not set(items) <= set(self.known):
            return f"must be {'' if isinstance(value, tuple) else 'one '}of {self.demand}; received {self.text(value)}"
        if not all(map(self.check, items)):
            return f"must be {self.demand}; received {self.text(value)}"
        return ""

    @property
    def demand(self) -> str:
        """What can be used: the choices, or what the check expects."""
        return ", ".join(map(str, self.known)) or self.expected

    @property
    def known(self) -> tuple[Any, ...]:
        """The choices that there are now."""
        return tuple(self.choices() if callable(self.choices) else self.choices)

    @property
    def explanation(self) -> str:
        """The help, with the names that it lists."""
        names = ", ".join(self.listed())
        return f"{self.help}: {names}" if names else self.help

    def text(self, value: Any) -> str:
        """A value as a user would type it; an empty one in quotes, so that it can be seen."""
        if self.write:
            return self.write(value)
        text = ",".join(map(_plain, value)) if isinstance(value, tuple) else _plain(value)
        return text or repr(text)


def setting(default: Any, help: str, **more: Any) -> Any:
    """A field of a dataclass, and what `Setting` says of it.

    Args:
        default: The default, or `REQUIRED`.
        help: What it means, in a clause.
        **more: The other attributes of `Setting`.
    """
    return dataclasses.field(default=default, metadata={KEY: Setting(help, **more)})


def like(kind: type, name: str, default: Any = _SAME, **changes: Any) -> Any:
    """A field as another dataclass has it.

    Args:
        kind: The other dataclass.
        name: The field's name there.
        default: Another default.
        **changes: Attributes of `Setting` that differ, such as `help`.
    """
    (field,) = (field for field in dataclasses.fields(kind) if field.name == name)
    found = dataclasses.replace(field.metadata[KEY], **changes)
    return dataclasses.field(default=field.default if default is _SAME else default, metadata={KEY: found})


def at_least(least: float) -> dict[str, Any]:
    """The check of a number that must not be below `least`."""
    return {"check": lambda value: value >= least, "expected": f"at least {least}"}


def above(bound: float) -> dict[str, Any]:
    """The check of a number that must be above `bound`."""
    return {"check": lambda value: value > bound, "expected": f"above {bound}"}


def not_empty(what: str) -> dict[str, Any]:
    """The check of a text that must not be empty; `what` it is, to follow "must be"."""
    return {"check": bool, "expected": what}


def between(least: float, most: float) -> dict[str, Any]:
    """The check of a number from `least` to `most`."""
    return {"check": lambda value: least <= value <= most, "expected": f"from {least} to {most}"}


def registered(names: Callable[[], Iterable[str]]) -> dict[str, Any]:
    """The choices of what stands in a registry, to which a user's module may add; the help lists them."""
    return {"choices": names, "listed": names}


def share() -> dict[str, Any]:
    """The check of a share of a whole."""
    return {"check": lambda value: 0 <= value <= 1, "expected": "from 0 to 1"}


def settings_of(kind: Any) -> dict[str, Setting]:
    """The settings of a dataclass, or of an instance, by field name in order of declaration."""
    return {field.name: field.metadata[KEY] for field in dataclasses.fields(kind) if KEY in field.metadata}


def check(instance: Any) -> None:
    """Checks all settings of an instance.

    Raises:
        ValueError: For the first value that cannot be used; says what was expected and what came.
    """
    for name, found in settings_of(instance).items():
        if refusal := found.refusal(getattr(instance, name)):
            raise ValueError(f"{name} {refusal}")


def _plain(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) and float(f"{value:.12g}") == value else str(value)
