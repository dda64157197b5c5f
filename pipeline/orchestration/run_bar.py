"""What a user sees of a run while it works: one bar with the time that is left, or without a terminal a line a minute.

This is the one place that decides about it. Components tell what they do in a journal (`components/progress`); nothing
else draws a bar.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from tqdm import tqdm

from components.progress import journal
from components.storage import temporaries
from pipeline.orchestration.forecast import Forecast, about, duration
from pipeline.orchestration.run_estimate import RunEstimate

#: Seconds between two looks at the journal, and between two lines without a terminal.
LOOK, LINE = 1.0, 60.0
FORMAT = "{percentage:3.0f} % |{bar:20}| {desc}"
#: Characters of it beside the text; columns of a terminal that does not say how many it has; rows, one of them used.
BESIDE, COLUMNS, ROWS = 32, 80, 20


class RunBar:
    """Shows how far a run is; a context manager.

    Args:
        forecast: The work.
        verbose: Whether every component and result gets a line.
        stream: Where to; default: standard error.
        clock: Seconds, for tests.
    """

    def __init__(
        self,
        forecast: Forecast,
        verbose: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self.forecast, self.verbose, self.clock = forecast, verbose, clock
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.started = self.shown = clock()
        self._estimate = RunEstimate(forecast, self.started)
        self._bar: Any = None
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> RunBar:
        path = os.path.join(self._stack.enter_context(temporaries.temporary_folder()), "journal")
        self._reader = journal.Reader(path)
        self._stack.callback(self._reader.close)
        before = os.environ.get(journal.VARIABLE)
        os.environ[journal.VARIABLE] = path
        self._stack.callback(_restore, journal.VARIABLE, before)
        if self.terminal:
            size = {"ncols": _columns(self.stream), "nrows": ROWS}
            self._bar = tqdm(total=1000, file=self.stream, bar_format=FORMAT, leave=False, **size)
            if self.stream is sys.stderr:
                self._stack.enter_context(contextlib.redirect_stderr(_AboveBar(self)))
        self._show()
        thread = threading.Thread(target=self._work, name="run bar", daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._stopped.set)
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()
        if self._bar is not None:
            self._bar.close()

    def node_done(self, name: str, line: str = "") -> None:
        """A component is done; `line` is shown of it if all is shown."""
        with self._lock:
            self._read()
            self._estimate.part_done(name, self.clock())
        if self.verbose and line:
            self.say(line)

    def say(self, line: str) -> None:
        """Shows a line, above the bar if there is one."""
        if self._bar is None:
            print(line, file=self.stream, flush=True)
        else:
            self._bar.write(line, file=self.stream)

    def _work(self) -> None:
        while not self._stopped.wait(LOOK):
            with self._lock:
                self._read()
            self._show()

    def _read(self) -> None:
        for entry in self._reader.new():
            line = self._estimate.told(entry)
            if line and self.verbose:
                self.say(line)

    def _show(self) -> None:
        now = self.clock()
        with self._lock:
            share, left, doing = self._estimate.at(now)
        text = f"{about(left)} left" + (f": {doing}" if doing else "")
        if self._bar is not None:
            self._bar.n = round(1000 * share)
            self._bar.ncols = _columns(self.stream)
            room = max(20, self._bar.ncols - BESIDE)
            self._bar.set_description_str(text if len(text) <= room else text[: room - 3] + "...", refresh=True)
        elif now - self.shown >= LINE:
            self.shown = now
            print(
                f"{100 * share:.0f} % done after {duration(now - self.started)}, {text}", file=self.stream, flush=True
            )


def _columns(stream: TextIO) -> int:
    """How wide a terminal is; one that does not know, as in some containers, has 0 by its own account."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    return COLUMNS


class _AboveBar:
    """Standard error while a bar stands on its last line: whole lines appear above it."""

    def __init__(self, bar: RunBar):
        self._bar, self._rest = bar, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._bar.say(line)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back but a line that has no end yet."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bar.stream, name)


def _restore(name: str, value: str | None) -> None:
    os.environ.pop(name, None)
    if value is not None:
        os.environ[name] = value
