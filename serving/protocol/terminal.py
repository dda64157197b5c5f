"""Text of others on a user's terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with characters that steer a terminal or a log (escapes, line breaks, marks of direction) written out.

    A server, or whoever named a file or a label, could else hide what stands before it or write lines of its own.

    >>> printable("refused\x1b[2J\n")
    'refused\\x1b[2J\\n'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
