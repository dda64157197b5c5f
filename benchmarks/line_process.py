"""A process that talks in lines of JSON over its standard input and output."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys


class LineProcess:
    """`python -m MODULE ...` as a process; kill it with `close`.

    Args:
        module: Its module.
        *arguments: Its arguments.
        prefix: Command words that start it elsewhere, such as in a network namespace.
    """

    def __init__(self, module: str, *arguments: str, prefix: tuple[str, ...] = ()):
        self._module = module
        command = [*prefix, sys.executable, "-m", module, *arguments]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self._process = subprocess.Popen(command, text=True, **pipes)

    def write(self, value) -> None:
        """Sends a line; what is not sent shows when the answer is read."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()

    def read(self):
        """The next line. Raises RuntimeError with the process's last words if it ended."""
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1].strip().splitlines()
            raise RuntimeError(f"{self._module} ended: {said[-1] if said else 'without a word'}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.communicate()


def lines():
    """For the process itself: what comes in, until the other side closes."""
    for line in sys.stdin:
        yield json.loads(line)


def say(value) -> None:
    """For the process itself: sends a line."""
    print(json.dumps(value), flush=True)
