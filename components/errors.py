"""The error for what a user can mend: commands print it as one line and exit non-zero."""

from __future__ import annotations

from serving.protocol.addresses import masked
from serving.protocol.terminal import printable


class NotBlessedError(Exception):
    """A model was not pushed; the text says which threshold it missed."""


class InputError(ValueError):
    """Bad input. The text says what was expected, what came and how to mend it, in one line, whatever it quotes.

    URLs in it show no passwords.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(masked(text))

    def __str__(self) -> str:
        return printable(super().__str__())
