"""Which sealed requests were answered: a relay may copy them, and the copy gets no answer.

Reference: RFC 9458, section 6.5.
"""

from __future__ import annotations

import collections
import time

WINDOW_SECONDS = 300.0
MOST = 1_000_000  # 32 bytes and a set's entry each: about 150 MB
#: How it is called in an answer that a request was answered, or that its time is not now.
REPEATED, UNTIMELY = "repeated", "untimely"


class Replays:
    """Remembers requests for as long as their own `Date` lets them be taken.

    A request is taken if its `Date` is within the window around now, and then once. Where more come than are
    remembered, the window begins later, so that what is forgotten is refused by its `Date`. What was answered before
    this process began is not known.

    Args:
        window: Seconds before and after now.
        most: Requests that are remembered.
    """

    def __init__(self, window: float = WINDOW_SECONDS, most: int = MOST) -> None:
        self._window, self._most = window, most
        self._taken: dict[int, set[bytes]] = collections.defaultdict(set)  # by the second of their Date
        self._count, self._begin = 0, 0

    def refuse(self, encapsulated: bytes, date: float | None, now: float | None = None) -> str:
        """Takes a request.

        Args:
            encapsulated: What every sealing has another of.
            date: The request's `Date`, seconds since 1970; None if it has none.
            now: The time; default: the clock's.

        Returns:
            Why it is refused, `REPEATED` or `UNTIMELY`; empty if it is taken.
        """
        now = time.time() if now is None else now
        self._begin = max(self._begin, int(now - self._window))
        for second in [second for second in self._taken if second < self._begin]:
            self._forget(second)
        if date is None or not self._begin <= date <= now + self._window:
            return UNTIMELY
        taken = self._taken[int(date)]
        if encapsulated in taken:
            return REPEATED
        taken.add(encapsulated)
        self._count += 1
        while self._count > self._most:
            oldest = min(self._taken)
            self._begin = oldest + 1
            self._forget(oldest)
        return ""

    def _forget(self, second: int) -> None:
        self._count -= len(self._taken.pop(second))
