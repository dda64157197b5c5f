"""The error for what a user can mend: commands print it as one line and exit non-zero."""

from serving.protocol.terminal import printable


class NotBlessedError(Exception):
    """A model was not pushed; the text says which threshold it missed."""


class InputError(ValueError):
    """Bad input. The text says what was expected, what came and how to mend it, in one line, whatever it quotes."""

    def __str__(self) -> str:
        return printable(super().__str__())
