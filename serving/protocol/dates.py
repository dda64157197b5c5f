"""The Date of HTTP messages, in seconds since 1970."""

from __future__ import annotations

import datetime
import email.utils


def write_date(seconds: float) -> str:
    """A time as HTTP's `Date` field has it, to the second."""
    return email.utils.format_datetime(datetime.datetime.fromtimestamp(seconds, datetime.UTC), usegmt=True)


def read_date(text: str) -> float | None:
    """The time of a `Date` field, or None if it is none."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
