"""Which sealed requests were answered: a relay may copy them, and the copy gets no answer.

Reference: RFC 9458, section 6.5.
"""

from __future__ import annotations

import collections
import time

WINDOW_SECONDS = 300.0
MOST = 1_000_000  # about 140 MB
#: Below this age a Date is never refused for lack of room: clients blur theirs by up to a minute.
_RECENT_SECONDS = 90.0
#: Why a request is refused: it was answered, its time is not now, or no more can be remembered.
REPEATED, UNTIMELY, FULL = "repeated", "untimely", "full"


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
            Why it is refused, `REPEATED`, `UNTIMELY` or `FULL`; empty if it is taken.
        """
        now = time.time() if now is None else now
        self._forget_before(int(now - self._window))
        while self._count >= self._most and min(self._taken) < now - _RECENT_SECONDS:
            self._forget_before(min(self._taken) + 1)
        if date is None or not self._begin <= date <= now + self._window:
            return UNTIMELY
        if encapsulated in self._taken.get(int(date), ()):
            return REPEATED
        if self._count >= self._most:
            return FULL
        self._taken[int(date)].add(encapsulated)
        self._count += 1
        return ""

    def forget(self, encapsulated: bytes, date: float) -> None:
        """Forgets a request that was taken and got no answer but a refusal: it costs nothing to have it again."""
        remembered = self._taken.get(int(date), set())
        if encapsulated in remembered:  # else its time is over, and it is not counted any more
            remembered.remove(encapsulated)
            self._count -= 1

    def _forget_before(self, begin: int) -> None:
        self._begin = max(self._begin, begin)
        for second in [second for second in self._taken if second < self._begin]:
            self._count -= len(self._taken.pop(second))
