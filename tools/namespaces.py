"""Network namespaces that stand for machines. A virtual switch joins them, and nothing from outside reaches them.

They share the file system and nothing else. Linux, root and the command `ip` are needed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

NETWORK = "10.77.0"
#: Where processes outside of the namespaces are reached from within.
HUB = f"{NETWORK}.1"
SWITCH = "datamix"


def available() -> bool:
    """Whether this process may make namespaces."""
    return not os.geteuid() and bool(shutil.which("ip"))


@dataclasses.dataclass(frozen=True)
class Machine:
    """A namespace.

    Attributes:
        name: Its name.
        address: Where the others reach it.
        port: The switch's end of its cable.
    """

    name: str
    address: str
    port: str

    def inside(self, command: list[str]) -> list[str]:
        """The command that runs another one there."""
        return ["ip", "netns", "exec", self.name, *command]

    def cut(self) -> None:
        """Takes its cable out: packets are lost, and nobody is told."""
        _ip("link", "set", self.port, "down")

    def mend(self) -> None:
        """Puts the cable back."""
        _ip("link", "set", self.port, "up")


@contextlib.contextmanager
def machines(number: int) -> Iterator[list[Machine]]:
    """So many namespaces and the switch between them; all are removed at the end."""
    with contextlib.ExitStack() as stack:
        _ip("link", "add", SWITCH, "type", "bridge")
        stack.callback(_ip, "link", "delete", SWITCH)
        _ip("addr", "add", f"{HUB}/24", "dev", SWITCH)
        _ip("link", "set", SWITCH, "up")
        yield [stack.enter_context(_machine(index)) for index in range(number)]


@contextlib.contextmanager
def _machine(index):
    machine = Machine(f"{SWITCH}{index}", f"{NETWORK}.{index + 2}", f"{SWITCH}{index}o")
    cable = f"{SWITCH}{index}i"
    _ip("netns", "add", machine.name)
    with contextlib.ExitStack() as stack:
        stack.callback(_ip, "netns", "delete", machine.name)  # takes the cable with it
        _ip("link", "add", machine.port, "type", "veth", "peer", "name", cable)
        _ip("link", "set", cable, "netns", machine.name)
        _ip("link", "set", machine.port, "master", SWITCH, "up")
        _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", cable)
        for device in ("lo", cable):
            _ip("-n", machine.name, "link", "set", device, "up")
        yield machine


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended, with what it has started, at the end of the context."""
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)
