"""`python -m serving.cloud.gateway_keys`: the file of an Oblivious HTTP gateway's private keys, and their replacement.

A line for each key, `ID HEX`: a number from 0 to 255 and 64 hexadecimal digits; digits alone are key 1. The first is
the one that clients should use; those below are taken until their lines are removed.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence

from serving.protocol.errors import ServingError
from serving.protocol.ohttp import GatewayKey, GatewayKeys

DESCRIPTION = """\
Makes and replaces the keys of an Oblivious HTTP gateway (python -m serving.cloud --oblivious_key_file FILE), and writes
their public halves for bundles and clients. A running server takes up the changed file by itself."""
_IDS = 256
_log = logging.getLogger(__name__)


class KeyFile:
    """The keys in a file, which may change while they are used.

    Args:
        path: The file; a missing one is made with a fresh key, readable by its owner alone.

    Raises:
        ServingError: If it cannot be read or made, or holds something else.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with _explained(path), contextlib.suppress(FileExistsError):
            _write(path, [(1, os.urandom(32))], os.O_EXCL)
        self._keys, self._state = read_keys(path), _state(path)

    def __call__(self) -> GatewayKeys:
        """The keys as the file has them now; if it cannot be used, those of before."""
        state = _state(self._path)
        if state != self._state:
            self._state = state
            try:
                self._keys = read_keys(self._path)
                _log.info("the gateway's keys are now %s", ", ".join(str(c.key_id) for c in self._keys.configs))
            except ServingError as error:
                _log.error("%s; the keys of before stay", error)
        return self._keys


def read_keys(path: str) -> GatewayKeys:
    """The keys in a file. Raises ServingError if it cannot be used."""
    with _explained(path):
        return GatewayKeys([GatewayKey(key_id, private) for key_id, private in _read(path)])


def main(argv: Sequence[str] | None = None) -> int:
    """Makes, replaces or shows keys; returns the exit status."""
    parser = argparse.ArgumentParser(
        "python -m serving.cloud.gateway_keys",
        description=DESCRIPTION,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("file", help="file of the private keys; made if it is not there")
    parser.add_argument("--add", action="store_true", help="put a fresh key in front; those that are there stay valid")
    parser.add_argument("--keep", type=int, metavar="N", help="remove all keys but the first N")
    parser.add_argument("--public", metavar="FILE", help="write the public halves there (application/ohttp-keys)")
    arguments = parser.parse_args(argv)
    if arguments.keep is not None and arguments.keep < 1:
        parser.error(f"argument --keep: expected at least 1, received {arguments.keep}")
    try:
        with _explained(arguments.file):
            KeyFile(arguments.file)
            lines = _read(arguments.file)
            if arguments.add:
                lines = [(_free(lines), os.urandom(32)), *lines]
            lines = lines[: arguments.keep]
            if arguments.add or arguments.keep is not None:
                _replace(arguments.file, lines)
        keys = read_keys(arguments.file)
        if arguments.public:
            with _explained(arguments.public), open(arguments.public, "wb") as file:
                file.write(keys.to_bytes())
    except ServingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for config in keys.configs:
        print(f"key {config.key_id}: SHA-256 {config.fingerprint}")
    return 0


def _read(path: str) -> list[tuple[int, bytes]]:
    """Id and private key of each line. Raises ValueError with what was expected."""
    found = []
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(filter(None, map(str.split, file)), start=1):
            key_id, digits = ("1", line[0]) if len(line) == 1 else line[:2]
            try:
                private = bytes.fromhex(digits)
            except ValueError:
                private = b""
            if len(line) > 2 or len(private) != 32 or not key_id.isdecimal() or int(key_id) >= _IDS:
                raise ValueError(f"key {number} must be an id from 0 to 255 and 64 hexadecimal digits")
            found.append((int(key_id), private))
    return found


def _write(path: str, lines: list[tuple[int, bytes]], flags: int = 0) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | flags, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(f"{key_id} {private.hex()}\n" for key_id, private in lines)


def _replace(path: str, lines: list[tuple[int, bytes]]) -> None:
    """Writes the file anew under another name first: a server that reads it meanwhile sees it whole."""
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.remove(temporary)
    _write(temporary, lines, os.O_EXCL)
    os.replace(temporary, path)


def _free(lines: list[tuple[int, bytes]]) -> int:
    """An id that no key has, the one after the first key's if it is free."""
    taken = {key_id for key_id, _ in lines}
    if len(taken) == _IDS:
        raise ValueError("there are 256 keys, and no id is free: remove some with --keep")
    start = lines[0][0] + 1 if lines else 1
    return next(number % _IDS for number in range(start, start + _IDS) if number % _IDS not in taken)


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ServingError(400, f"cannot use the key file {path}: {reason}") from error


if __name__ == "__main__":
    sys.exit(main())
