"""A case of TensorFlow Serving's own tests: what is asked, what is answered there, and what ours answers."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Refused:
    """An error.

    Attributes:
        status: HTTP's number or gRPC's name; None where the status is not part of the case.
        text: A piece of its text.
    """

    status: int | str | None
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Part:
    """An answer that holds at least this: objects may have more keys."""

    value: Any


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        files: Upstream's test files that have it, without `_test.cc` and the like, separated by spaces.
        what: What is asked, in a few words.
        given: What is sent; its form is its kind's.
        theirs: What TensorFlow Serving answers: a value, a `Part` of one or `Refused`.
        ours: What ours answers, where that differs.
        why: The sentence of docs/reference/rest.md that tells the difference, or why the case is not offered.
        held: Name of a test elsewhere that holds the case.
        offered: False where ours has nothing to ask.
    """

    files: str
    what: str
    given: Any = None
    theirs: Any = None
    ours: Any = None
    why: str = ""
    held: str = ""
    offered: bool = True

    @property
    def count_as(self) -> str:
        """`same`, `differs` or `not offered`."""
        return "not offered" if not self.offered else "differs" if self.why else "same"


def held(files: str, what: str, test: str) -> Case:
    """A case that a test elsewhere holds, with the same answer."""
    return Case(files, what, held=test)


def not_offered(files: str, what: str, why: str) -> Case:
    """A case of something that ours does not have."""
    return Case(files, what, why=why, offered=False)
