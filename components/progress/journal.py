"""One file in which all processes of a run tell what part of which unit of work is done.

Beam runs components in this process or in others; a file that each of them appends lines to is where all meet. Workers
on other machines do not see it: what they do is known when their component ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Iterator

#: Environment variable with the path of the journal, which workers inherit.
VARIABLE = "DATAMIX_PROGRESS"


@dataclasses.dataclass(frozen=True)
class Entry:
    """What was told of a unit of work.

    Attributes:
        unit: Its name, such as `train plain-seed0`.
        share: How much of it this process has done, 0 to 1; 0 when it begins.
        note: More to show, or the result if it is done.
        process: Who tells it; shares of several processes in a unit add up.
        at: When, in seconds since the epoch.
    """

    unit: str
    share: float
    note: str
    process: int
    at: float


def tell(unit: str, share: float, note: str = "") -> None:
    """Appends an `Entry`, if anybody reads it. Progress that cannot be told is no reason to stop."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    line = json.dumps([unit, round(share, 6), note, os.getpid(), time.time()]) + "\n"
    with contextlib.suppress(OSError):
        # Short appended lines of several processes do not mix. Not made anew: the reader may have ended.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


class Reader:
    """Reads a journal as it grows.

    Args:
        path: The journal, which is made.
    """

    def __init__(self, path: str):
        self.path = path
        self._file = open(path, "a+b")  # noqa: SIM115
        self._file.seek(0)
        self._rest = b""

    def new(self) -> Iterator[Entry]:
        """The entries that were told since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):  # a full disk cuts lines off
                yield Entry(*json.loads(line))

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()
