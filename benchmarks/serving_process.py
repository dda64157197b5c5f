"""The embedded server as a process, for the benchmarks."""

from __future__ import annotations

import contextlib
import os
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


def resident_bytes(pid: int) -> int:
    """Memory that a process occupies, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
