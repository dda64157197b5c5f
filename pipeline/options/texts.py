"""Values as texts of a command line, by the type of the field that takes them."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

NOUNS = {int: "whole number", float: "number", str: "text"}


def plain(annotation: Any) -> Any:
    """A type without the `None` that stands for a value that is left out."""
    if isinstance(annotation, types.UnionType):
        (annotation,) = (kind for kind in typing.get_args(annotation) if kind is not type(None))
    return annotation


def item(annotation: Any) -> type | None:
    """The type of a tuple's items, or `None` for other types."""
    kind = plain(annotation)
    return typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else None


def read(text: str, annotation: Any) -> Any:
    """The value that a text stands for: a tuple is written with commas, an empty text is a tuple of no texts.

    Raises:
        ValueError: If it stands for none.
    """
    kind = item(annotation)
    if kind is None:
        return _read(text, plain(annotation))
    return tuple(_read(part, kind) for part in text.split(",") if part or kind is not str)


def noun(annotation: Any) -> str:
    """What values of a type are called, to follow "must be"."""
    kind = item(annotation)
    return f"{NOUNS[kind]}s with commas" if kind else f"a {NOUNS[plain(annotation)]}"


def _read(text, kind):
    # Python reads 1_000 and other scripts' digits as numbers, too: on a command line they are slips.
    if kind is not str and ("_" in text or not text.isascii()):
        raise ValueError(text)
    value = kind(text)
    if kind is float and not math.isfinite(value):
        raise ValueError(text)
    return value
