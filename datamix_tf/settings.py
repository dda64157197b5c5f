"""Fields of frozen dataclasses that are flags of a command, too: type, default, help and check stand in one place.

    @dataclasses.dataclass(frozen=True)
    class Noise:
        variance: float = setting(4.0, "variance of the noise", check=lambda value: value >= 0, expected="at least 0")

The type is the field's annotation. Commands make their flags, their `--help`, the message of a failed check and the
documentation's table of such classes; a library user makes an instance and calls `check`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of a field beside its type and default.

    Attributes:
        help: What it means, in a clause.
        check: Tells whether a value can be used; of a tuple, whether each of its items can.
        expected: What the check demands, to follow "must be".
        choices: The values that there are; empty for any.
    """

    help: str
    check: Callable[[Any], bool] = lambda value: True
    expected: str = ""
    choices: tuple[Any, ...] = ()

    def refusal(self, value: Any) -> str:
        """Why a value cannot be used, to follow the field's name; empty if it can."""
        items = value if isinstance(value, tuple) else (value,)
        if self.choices and not set(items) <= set(self.choices):
            return f"must be of {', '.join(map(str, self.choices))}; received {_shown(value)}"
        if value is not None and not all(map(self.check, items)):
            return f"must be {self.expected}; received {_shown(value)}"
        return ""


def setting(default: Any, help: str, **more: Any) -> Any:
    """A field of a dataclass with a default, and what `Setting` says of it (`check`, `expected`, `choices`)."""
    return dataclasses.field(default=default, metadata={KEY: Setting(help, **more)})


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


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else repr(value) if value == "" else str(value)
