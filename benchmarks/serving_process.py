"""The embedded server as a process, for the benchmarks."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys


def free_port() -> int:
    """A port that nobody listens on, for now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextlib.contextmanager
def server_process(base_path: str, *flags: str, rest_port: int | None = None, prefix: tuple[str, ...] = ()):
    """`python -m serving.cloud` as a process that is ready: gives the process, its REST URL and its gRPC address.

    `prefix` are command words that start it elsewhere, such as in a network namespace.
    """
    ports = ("--rest_api_port", str(rest_port or free_port()), "--port", str(free_port()))
    command = [*prefix, sys.executable, "-m", "serving.cloud", "--model_base_path", base_path, *ports, *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        match = re.match(r"serving .*: REST (\S+), gRPC (\S+)", line)
        if not match:
            process.kill()
            raise RuntimeError(f"the server did not start: {line} {process.communicate()[1]}")
        yield process, match[1], match[2]
    finally:
        process.kill()
        process.communicate()
