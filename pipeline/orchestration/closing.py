"""What a command says at its end: what was made, how to look at it, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable

from components.storage import files


def closing(made: Iterable[tuple[str, str]], following: Iterable[tuple[str, str]] = ()) -> str:
    """The last lines of a command.

    Args:
        made: Paths of what may have been made, and what each is for; those that are not there are left out.
        following: Commands that can be typed next, and what for.
    """
    lines = [f"{path}: {use}" for path, use in made if files.exists(path)]
    commands = list(following)
    width = max((len(command) for command, _ in commands), default=0)
    heads = ["next: ", *["      "] * len(commands)]
    lines += [f"{head}{command:{width}}  {use}" for head, (command, use) in zip(heads, commands, strict=False)]
    return "\n".join(lines)
