"""How often each cover was sent: counted by what the covers are, in memory or in a file that outlives the process."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator

import numpy as np

from serving.edge.errors import EdgeError

#: Opens a file's lock where the system has one.
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def default_file() -> str:
    """Where the command keeps its counts: the user's folder for state (XDG base directory specification)."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "datamix_tf", "cover_uses.json")


def name_of(cover: np.ndarray) -> str:
    """What a cover is counted under: digits of the hash of its preprocessed numbers."""
    return hashlib.sha256(cover.tobytes()).hexdigest()[:32]


class CoverUses:
    """Counts of uses.

    Args:
        path: The file, or None to count in memory. Processes that share it take turns. Who reads it can tell whether a
            picture that they have was a cover: it is for its owner's eyes alone.
    """

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._counts: dict[str, int] = {}

    @contextlib.contextmanager
    def counting(self) -> Iterator[dict[str, int]]:
        """Gives the counts, by `name_of`, to be changed; they are kept when the block ends without an error.

        Raises:
            EdgeError: If the file cannot be read or written.
        """
        if self._path is None:
            yield self._counts
            return
        try:
            os.makedirs(os.path.dirname(os.path.abspath(self._path)), mode=0o700, exist_ok=True)
            lock = open(self._path + ".lock", "ab")  # noqa: SIM115 - the with block is below, out of the try's reach
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            counts = self._read(self._path)
            yield counts
            self._write(self._path, counts)

    def _read(self, path: str) -> dict[str, int]:
        try:
            with open(path, encoding="ascii") as file:
                counts = json.load(file)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, RecursionError) as error:
            raise self._unusable(error) from error
        if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
            raise self._unusable(ValueError("expected an object of numbers"))
        return counts

    def _write(self, path: str, counts: dict[str, int]) -> None:
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=os.path.dirname(os.path.abspath(path)), delete=False, encoding="ascii"
            ) as file:
                json.dump(counts, file)
            os.replace(file.name, path)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> EdgeError:
        reason = error.strerror if isinstance(error, OSError) else f"{error}; delete it to count anew"
        return EdgeError(f"cannot keep count of the covers in {self._path}: {reason}; name another file (--uses_file)")
