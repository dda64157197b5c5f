"""A network link of a given bandwidth and latency between this machine and a network namespace on it.

    with shaped_link() as link:
        subprocess.Popen([*link.prefix, "python", "-m", "http.server", "--bind", link.cloud])
        ...  # what is sent to link.cloud takes as long as on the link

Two TUN devices, one of them in the namespace. `tc`'s token bucket gives each its bandwidth; a process between them
hands every packet on after the latency (`netem` would, but not every kernel has it). Nothing is lost: the queues are
long. Linux, root, the commands `ip` and `tc` and /dev/net/tun are needed.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

MEGA = 2**20  # as in datamix_tf.costs, which would bring TensorFlow into the relay
UP_MBPS, DOWN_MBPS, LATENCY_MS = 15, 30, 25  # DataMix's 4G link (section 4.3)
PREFIX, TUN, MTU, BURST, QUEUE = "dm", "/dev/net/tun", 1500, 4500, 64 * MEGA
_SET_INTERFACE, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001


class NoLink(RuntimeError):
    """This machine cannot shape a link; the text says why."""


@dataclasses.dataclass(frozen=True)
class Link:
    """A link that is up.

    Attributes:
        edge: IP address of this machine's end.
        cloud: IP address of the namespace's end.
        prefix: Command words that start another command inside the namespace.
        device: Name of this machine's device.
    """

    edge: str
    cloud: str
    prefix: tuple[str, ...]
    device: str

    def carried(self) -> tuple[int, int]:
        """Bytes of IP packets that went up and came down so far, headers and acknowledgements included."""
        return tuple(self._count(name) for name in ("tx_bytes", "rx_bytes"))

    def _count(self, name):
        with open(f"/sys/class/net/{self.device}/statistics/{name}", encoding="ascii") as file:
            return int(file.read())


@contextlib.contextmanager
def shaped_link(up_mbps: float = UP_MBPS, down_mbps: float = DOWN_MBPS, latency_ms: float = LATENCY_MS):
    """Brings a link up for the time of the block, and removes all of it behind it, also after SIGTERM.

    What a process that was killed outright left is removed by the next one. Call it from the main thread.

    Args:
        up_mbps: Bandwidth towards the cloud in Mbit/s, mega = 2^20 as in Eq. 1 (`datamix_tf.costs`), above 0.
        down_mbps: Bandwidth towards the edge, likewise.
        latency_ms: One-way latency in milliseconds: a round trip takes twice as long.

    Yields:
        A `Link`.

    Raises:
        NoLink: If this machine cannot.
    """
    if reason := unavailable():
        raise NoLink(reason)
    _remove_leftovers()
    name, third = f"{PREFIX}{os.getpid()}", os.getpid() % 250
    edge_device, cloud_device = f"{name}e", f"{name}c"
    edge, cloud = f"10.79.{third}.1", f"10.79.{third}.2"
    with contextlib.ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)))
        _run("ip", "netns", "add", name)
        stack.callback(_run, "ip", "netns", "delete", name)
        stack.enter_context(_relay(edge_device, cloud_device, latency_ms))
        _run("ip", "link", "set", cloud_device, "netns", name)
        inside = ("-n", name)
        for words, device, address, peer, mbps in (
            ((), edge_device, edge, cloud, up_mbps),
            (inside, cloud_device, cloud, edge, down_mbps),
        ):
            _run("ip", *words, "addr", "add", address, "peer", peer, "dev", device)
            _run("ip", *words, "link", "set", device, "mtu", str(MTU), "up")
            rate = f"{round(mbps * MEGA)}bit"
            bucket = ("tbf", "rate", rate, "burst", str(BURST), "limit", str(QUEUE))
            _run("tc", *words, "qdisc", "add", "dev", device, "root", *bucket)
        _run("ip", *inside, "link", "set", "lo", "up")
        yield Link(edge, cloud, ("ip", "netns", "exec", name), edge_device)


def unavailable() -> str:
    """Why this machine cannot shape a link, or an empty text."""
    if os.geteuid():
        return "a shaped link needs root"
    missing = [command for command in ("ip", "tc") if not shutil.which(command)]
    if missing:
        return f"a shaped link needs the command {' and '.join(missing)} (package iproute2)"
    if not os.path.exists(TUN):
        return f"a shaped link needs {TUN}"
    tried = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    return f"a shaped link needs network namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def _remove_leftovers():
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout.splitlines()
    for name in (line.split()[0] for line in names if line.startswith(PREFIX)):
        pid = name.removeprefix(PREFIX)
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            _run("ip", "netns", "delete", name)


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoLink(f"{' '.join(command)} failed: {done.stderr.strip()}")


@contextlib.contextmanager
def _relay(edge_device, cloud_device, latency_ms):
    """The process between the devices, which are there as long as it is."""
    command = [sys.executable, "-m", "benchmarks.shaped_link", edge_device, cloud_device, str(latency_ms)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(command, text=True, **pipes)
    try:
        if process.stdout.readline() != "ready\n":
            process.kill()
            raise NoLink(f"the TUN devices cannot be made: {process.communicate()[1].strip().splitlines()[-1:]}")
        yield
    finally:
        process.kill()
        process.communicate()


def relay(devices: list[str], latency: float) -> None:
    """Hands packets from each of two TUN devices to the other, `latency` seconds after they came.

    Returns when its standard input closes, which is when the process that started it ends.
    """
    files = [_open_tun(device) for device in devices]
    towards = {files[0]: files[1], files[1]: files[0]}
    waiting = collections.deque()  # All wait equally long, so that the first is always the first that is due.
    print("ready", flush=True)
    while True:
        left = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        readable = select.select([sys.stdin, *files], [], [], left)[0]
        if sys.stdin in readable:
            return
        for file in readable:
            waiting.append((time.monotonic() + latency, towards[file], os.read(file, 1 << 16)))
        while waiting and waiting[0][0] <= time.monotonic():
            _, file, packet = waiting.popleft()
            with contextlib.suppress(OSError):  # The other end is not up yet.
                os.write(file, packet)


def _open_tun(device):
    import fcntl

    file = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, _SET_INTERFACE, struct.pack("16sH22x", device.encode(), _TUN_WITHOUT_HEADER))
    return file


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # a late relay would be a slower link
    relay(sys.argv[1:3], float(sys.argv[3]) / 1000)
