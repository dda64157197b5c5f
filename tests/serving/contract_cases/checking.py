"""Holds answers against the rows of the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from serving.protocol.errors import ServingError
from tests.serving.contract_cases.case import Case, Part, Refused


def cases(table: Iterable[Case]) -> Any:
    """A parameter for each row that is asked by the test, with the name of what it asks."""
    asked = [case for case in table if case.offered and not case.held]
    return pytest.mark.parametrize("case", asked, ids=[case.what for case in asked])


def check(case: Case, answer: Any) -> None:
    """Holds an answer against the row: the same as theirs, or what the row says that ours differs by."""
    assert agrees(answer, case.theirs if case.ours is None else case.ours), answer
    if case.ours is not None:
        assert not agrees(answer, case.theirs), "the row says that ours differs, and it does not"


def refused(work: Callable[[], Any]) -> Any:
    """What a function gives, or how it refuses."""
    try:
        return work()
    except ServingError as error:
        return Refused(error.http_status, str(error))


def agrees(answer: Any, expected: Any) -> bool:
    """Whether an answer is the expected one."""
    if isinstance(expected, Refused):
        fits = isinstance(answer, Refused) and expected.status in (None, answer.status)
        return fits and expected.text in answer.text
    if isinstance(expected, Part):
        return _holds(answer, expected.value)
    if isinstance(expected, list):
        return isinstance(answer, list) and len(answer) == len(expected) and all(map(agrees, answer, expected))
    if isinstance(expected, dict):
        alike = isinstance(answer, dict) and set(answer) == set(expected)
        return alike and all(agrees(answer[key], value) for key, value in expected.items())
    if isinstance(expected, float):
        return isinstance(answer, (int, float)) and _equal(answer, expected)
    return answer == expected


def _equal(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other and math.copysign(1, one) == math.copysign(1, other)


def _holds(answer: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(answer, dict) and all(key in answer and _holds(answer[key], part[key]) for key in part)
    return answer == part
